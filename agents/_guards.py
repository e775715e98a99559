"""What a reply must never say, checked before it is sent.

A reply that breaks a rule goes back to the model with the rule; one that keeps breaking rules is replaced by a safe
sentence. The rules look at words and figures, so that they cost no model and nothing can talk them out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai import ModelRetry, RunContext
from pydantic_ai.messages import ModelRequest, ToolReturnPart
from rapidfuzz import fuzz

from agent_memory.agents import _replies as replies
from agent_memory.agents.portuguese._amounts import find_amounts
from agent_memory.agents.portuguese._text import fold, read_words
from agent_memory.agents.portuguese._vehicles import find_vehicles
from agent_memory.capability import FACTS_PREFIX, STANDING_PREFIX
from agent_memory.tools._actions import live_session
from agent_memory.tools._evidence import exchanges

GUARD_TRIES = 2
"""How often a reply goes back to the model before it is replaced."""
MAX_REPLY = 1200
"""Most characters of a reply: five cars with their reasons."""
MAX_PROSE = 600
"""Most characters of a reply outside its list of cars."""

_SOURCES = frozenset({'search_cars', 'car_details', 'compare_cars'})
_TOOL_NAMES = _SOURCES | {
    'remember', 'hand_to_person', 'record_request', 'answer_consent', 'not_understood', 'system prompt', 'as an ai',
}  # fmt: skip


@dataclass(frozen=True)
class Grounds:
    """What a reply may stand on."""

    said: tuple[str, ...] = ()
    """What the person wrote, oldest first."""
    previous: str | None = None
    """The reply before."""
    results: str = ''
    """What the catalogue answered in this session, as JSON."""
    budget: frozenset[float] = frozenset()
    instructions: str = ''

    @property
    def figures(self) -> set[float]:
        """Every figure of the catalogue's answers."""
        return {float(figure) for figure in re.findall(r'\d+(?:\.\d+)?', self.results)}

    @property
    def own_figures(self) -> set[float]:
        """Every figure that the person wrote, also read as thousands, and their budget."""
        numbers = {word.number for word in read_words(list(self.said)) if word.number is not None}
        amounts = {one.value for one in find_amounts(read_words(list(self.said)), frozenset())}
        return set(self.budget) | amounts | {number * scale for number in numbers for scale in (1, 1000)}


async def guard_reply(ctx: RunContext[Any], reply: str) -> str:
    """Return `reply` if it breaks no rule, or after `GUARD_TRIES` a safe sentence.

    Raises:
        ModelRetry: It breaks a rule; says which.
    """
    if ctx.partial_output:
        return reply
    grounds = _grounds(ctx)
    broken = violations(reply, grounds)
    if not broken:
        return reply
    if ctx.retry < ctx.max_retries:
        raise ModelRetry(f'This reply was not sent: {"; ".join(broken)}. Write another one in Portuguese.')
    return replies.SAFE if grounds.previous != replies.SAFE else replies.SAFE_AGAIN


def is_repeated(reply: str, previous: str | None) -> bool:
    """Return whether a reply says again what was said just before it."""
    return bool(previous) and fuzz.ratio(fold(reply), fold(previous)) >= 97


def violations(reply: str, grounds: Grounds) -> list[str]:
    """Return the rules that `reply` breaks."""
    return [broken for rule in _RULES if (broken := rule(reply, grounds))]


def _grounds(ctx: RunContext[Any]) -> Grounds:
    session = live_session(ctx)
    said = exchanges(ctx.messages)
    requests = [message for message in ctx.messages if isinstance(message, ModelRequest)]
    returns = [
        part.content
        for request in requests
        for part in request.parts
        if isinstance(part, ToolReturnPart) and part.tool_name in _SOURCES and part.outcome == 'success'
    ]
    shown = session.recommendations if session else []
    budget = [getattr(session.profile, name, None) for name in ('budget_min', 'budget_max')] if session else []
    return Grounds(
        said=tuple(one.text for one in said),
        previous=said[-1].asked if said else None,
        results=json.dumps([returns, shown], ensure_ascii=False) if returns or shown else '',
        budget=frozenset(float(amount) for amount in budget if amount),
        instructions=requests[-1].instructions or '' if requests else '',
    )


_SENTENCE = re.compile(r'(?<=[!?\n;])|(?<=\.)\s')
_DEFERS = re.compile(
    r'\b(consultor\w*|equipe|vendedor\w*|atendente|confirm\w+|verific\w+|nao (posso|consigo|tenho|temos|ha|encontrei|prometo))\b'
)
_OFFERS = re.compile(
    r'\b(fech\w+|vend\w+|faco|fazemos|sai|fica|custa\w*|por apenas|consigo|preco|aceito|aceitamos|deixo|valor (e|final)|de r\$)'
)
_DISCOUNT = re.compile(r'\b(descont\w+|promoc\w+|promocional|brinde\w*|bonus|cupom|gratis|gratuit\w+|ipva pago)\b|%')
_RATE = re.compile(
    r'\b(juros|taxa\w*|parcelas? de|sem entrada|entrada de|credito aprovado|aprov\w+ na hora)\b|\b\d{2,} ?x\b|\bem \d+ ?x\b|\b\d+ ?x (?:de|sem|fix|igua)'
)
_CLAIMS = re.compile(
    r'\b(temos|tenho|disponive\w+|em estoque|pronta entrega|chegou|acabou de chegar|ultima\w* unidade\w*)\b'
)
_DEADLINE = re.compile(
    r'\b(so|somente|valid\w+|ate|apenas) (por )?(hoje|amanha)\b|\bultimos? dias?\b'
    r'|\b(entreg\w+|garant\w+|reserv\w+|pront\w+|prazo)\b.*\b(hoje|amanha|\w+ (dias?|horas?|semanas?|mes|meses))\b'
)
_YEAR = re.compile(r'\b(?:19[5-9]\d|20[0-4]\d)\b')
_PERSONAL = re.compile(
    r'[\w.+-]+@[\w-]+\.\w+|\b\d{3}\.?\d{3}\.?\d{3}-\d{2}\b|\+?\b(?:\d[\s().-]{0,2}){10,14}\b|\b[A-Z]{3}-?\d[A-Z\d]\d{2}\b'
)
_LINK = re.compile(r'\bhttps?://\S+|\bwww\.\S+')


def _sentences(reply: str) -> Iterable[str]:
    return (fold(sentence) for sentence in _SENTENCE.split(reply) if sentence.strip())


def _money(sentence: str) -> Iterable[float]:
    words = read_words([sentence])
    for amount in find_amounts(words, frozenset()):
        after = words[amount.end].text if amount.end < len(words) else ''
        if amount.money and after not in ('km', 'quilometros', 'rodados'):
            yield amount.value


def _invents_price(reply: str, grounds: Grounds) -> str | None:
    for sentence in _sentences(reply):
        allowed = grounds.figures if _OFFERS.search(sentence) else grounds.figures | grounds.own_figures
        if any(amount not in allowed for amount in _money(sentence)):
            return 'it names an amount that no catalogue result of this conversation has'
    return None


def _invents_car(reply: str, grounds: Grounds) -> str | None:
    known = grounds.figures | grounds.own_figures
    kilometres = (float(km.replace('.', '')) for km in re.findall(r'(\d{1,3}(?:\.\d{3})+|\d+) ?km\b', reply))
    years = (float(year) for year in _YEAR.findall(reply))
    if any(figure not in known for figure in (*kilometres, *years)):
        return 'it names a year or mileage that no catalogue result of this conversation has'
    found = fold(grounds.results)
    for sentence in _sentences(reply):
        if not _CLAIMS.search(sentence) or _DEFERS.search(sentence):
            continue
        models = [one.vehicle.model for one in find_vehicles(read_words([sentence])) if one.vehicle.model]
        if not grounds.results or any(fold(model) not in found for model in models):
            return 'it says that a car is in stock which no catalogue result of this conversation has'
    return None


def _promises(reply: str, grounds: Grounds) -> str | None:
    del grounds
    for sentence in _sentences(reply):
        if _DEFERS.search(sentence) or sentence.rstrip().endswith('?'):
            continue
        if _DISCOUNT.search(sentence) or _RATE.search(sentence):
            return 'it speaks of a discount or rate; only a consultant may'
        if _DEADLINE.search(sentence):
            return 'it promises a deadline; only a consultant may'
    return None


def _repeats(reply: str, grounds: Grounds) -> str | None:
    return 'it repeats your previous reply' if is_repeated(reply, grounds.previous) else None


def _tells_of_others(reply: str, grounds: Grounds) -> str | None:
    allowed = re.sub(r'[\s().-]', '', ' '.join([*grounds.said, grounds.results]))
    found = [*_PERSONAL.findall(reply), *_LINK.findall(reply)]
    if any(re.sub(r'[\s().-]', '', one) not in allowed for one in found):
        return "it has a phone number, document, e-mail, plate or link that is not the person's own"
    return None


def _leaks(reply: str, grounds: Grounds) -> str | None:
    text = fold(reply)
    marks = (*_TOOL_NAMES, '```', '{"', fold(FACTS_PREFIX.strip()), fold(STANDING_PREFIX.strip()))
    if any(mark in text for mark in marks):
        return 'it speaks of how you work'
    told, words = ' '.join(re.findall(r'\w+', fold(grounds.instructions))), re.findall(r'\w+', text)
    if any(' '.join(words[start : start + 8]) in told for start in range(len(words) - 7)):
        return 'it repeats your instructions'
    return None


def _is_long(reply: str, grounds: Grounds) -> str | None:
    del grounds
    prose = '\n'.join(line for line in reply.splitlines() if not re.match(r'\s*(\d\)|[-*•])', line))
    return 'it is too long' if len(reply) > MAX_REPLY or len(prose) > MAX_PROSE else None


_TOPIC = re.compile(
    r'\b(carr\w+|veicul\w+|modelo\w*|marca\w*|suv|seda\w*|hatch|picape\w*|orcament\w*|valor\w*|preco\w*|gastar|pagar|loja|consultor\w*|'
    r'equipe|visita\w*|cidade|uso|compr\w+|opc\w+|anotad\w|economia|conforto|seguranca|espaco|dados|mensag\w+|km|busca\w*|procura\w*)\b'
)
_LONG_WITHOUT_TOPIC = 160


def _strays(reply: str, grounds: Grounds) -> str | None:
    del grounds
    if len(reply) > _LONG_WITHOUT_TOPIC and not _TOPIC.search(fold(reply)):
        return 'it is not about the purchase of a car'
    return None


_PORTUGUESE = frozenset(
    [
        'voce',
        'o',
        'os',
        'as',
        'e',
        'com',
        'que',
        'qual',
        'uma',
        'um',
        'tem',
        'quer',
        'pode',
        'seu',
        'sua',
        'do',
        'da',
        'dos',
        'das',
        'nao',
        'em',
        'no',
        'na',
        'de',
        'por',
        'mais',
        'ou',
        'para',
        'sim',
        'eu',
        'me',
        'te',
    ]
)
_FOREIGN = frozenset(
    [
        'the',
        'you',
        'your',
        'is',
        'are',
        'and',
        'for',
        'with',
        'what',
        'would',
        'have',
        'this',
        'that',
        'can',
        'how',
        'of',
        'to',
        'we',
        'hello',
        'el',
        'los',
        'las',
        'usted',
        'es',
        'y',
        'con',
        'cual',
        'tiene',
        'quiere',
        'puede',
        'gracias',
        'hola',
        'pero',
    ]
)


def _is_foreign(reply: str, grounds: Grounds) -> str | None:
    del grounds
    words = re.findall(r'[^\W\d]+', fold(reply))
    foreign = sum(word in _FOREIGN and word not in _PORTUGUESE for word in words)
    ours = sum(word in _PORTUGUESE and word not in _FOREIGN for word in words)
    return 'it is not in Portuguese' if foreign >= 3 and foreign > ours else None


_RULES: Sequence[Callable[[str, Grounds], str | None]] = (
    _invents_price,
    _invents_car,
    _promises,
    _repeats,
    _tells_of_others,
    _leaks,
    _is_long,
    _strays,
    _is_foreign,
)
