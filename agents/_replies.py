"""What the offline model says, in Brazilian Portuguese: one acknowledgement, one question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from agent_memory.agents._wording import BODIES, PAYMENTS, PRIORITIES, URGENCIES, USES, money
from agent_memory.lead import UserProfileData

GREETING = 'Olá! Sou o assistente virtual da loja e vou te ajudar a achar um carro.'
HELLO = 'Olá! Sou o assistente virtual da loja.'
"""Greets who is answered at once."""
NOT_UNDERSTOOD = 'Desculpe, não entendi direito.'
TO_PERSON = 'Certo! Vou chamar uma pessoa da nossa equipe para continuar com você por aqui.'
RESTARTED = 'Tudo bem, vamos começar de novo. Quando quiser, me diga o que você procura.'
OPTED_OUT = 'Pronto, você não vai mais receber mensagens nossas. Para voltar a conversar, escreva "voltar".'
ERASURE = 'Entendido. Registrei o seu pedido de exclusão dos dados: ele é atendido em até 15 dias.'
OPTED_IN = 'Que bom ter você de volta! Como posso ajudar?'
ASK_FOR_TEXT = 'Ainda não consigo ouvir áudios por aqui. Você pode escrever, por favor?'
CONSENT_GIVEN = 'Obrigado!'
CONSENT_REFUSED = 'Sem problemas, respeitamos a sua escolha.'
SAFE = 'Sobre isso um consultor te responde melhor. Posso te ajudar a achar um carro: o que você procura?'
SAFE_AGAIN = 'Isso é melhor você ver com um consultor. Me conte que tipo de carro você procura.'
NO_MATTER = 'Sem problema.'
THANKS = 'Por nada!'
GOODBYE = 'Por nada! Quando quiser continuar, é só me chamar por aqui.'
TEAM_CONFIRMS = 'Preço final, desconto, pagamento e prazo quem confirma é a nossa equipe.'
TERMS = f'{TEAM_CONFIRMS} Quer que eu chame um consultor?'
PRICES_SHOWN = 'O preço está ao lado de cada carro da lista.'
PRICE_LATER = 'O preço depende do carro que eu encontrar para você.'
COMPLETE = 'Já tenho o que preciso. Quer que eu chame um consultor para te mostrar as opções?'
CONSULTANT = 'Posso chamar um consultor para continuar com você?'
KNOW_MORE = 'Quer saber mais de algum? É só me dizer o número.'
SAME_CARS = (
    'Por enquanto é isso que combina com o que você me contou. Posso procurar de novo com outro valor, tipo '
    f'ou marca. {KNOW_MORE}'
)
OTHER_CARS = 'Outros carros um consultor pode procurar para você.'
TOLD_ALL = 'Isso é o que eu sei até aqui; o resto um consultor te confirma.'
OF_EACH = 'Isso eu te conto de cada carro que te mostrar.'
OF_EACH_SHOWN = 'Isso eu te conto de cada carro da lista.'
ALTERS = {
    'budget': 'Qual é o valor máximo que você quer pagar?',
    'type': 'Que tipo de carro você prefere: hatch, sedã, SUV ou picape?',
    'brand': 'Qual marca você prefere?',
}
"""What is asked of who would have another price, type or brand."""
WHICH_ONE = 'Qual dos carros te interessou? Me diga o número.'

# Each field has two wordings, so that the same question is never put twice in the same words.
_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ('budget_max', 'Quanto você pretende gastar no carro?', 'Qual é o valor máximo que você quer pagar?'),
    (
        'main_use',
        'Qual vai ser o uso principal do carro?',
        'O carro é mais para o dia a dia, família, trabalho, viagem...?',
    ),
    ('city', 'Em qual cidade você mora?', 'De qual cidade você fala?'),
    ('state', 'Em qual estado fica essa cidade?', 'Qual é o estado (UF)?'),
    (
        'priorities',
        'O que é mais importante para você: economia, conforto, segurança, espaço...?',
        'O que não pode faltar no carro: economia, conforto, segurança...?',
    ),
    (
        'body_types',
        'Tem preferência por marca ou tipo de carro (hatch, sedã, SUV, picape)?',
        'Alguma marca ou modelo que você goste?',
    ),
    ('urgency', 'Para quando você precisa do carro?', 'Você pretende comprar em quanto tempo?'),
)


MOST_TRIES = 2
"""How often one thing is asked: whoever does not answer is asked something else."""


def missing(profile: UserProfileData) -> list[str]:
    """Return the fields that are left to know, in the order in which they are asked."""
    return [question[0] for question in _QUESTIONS if _missing(profile, question[0])]


def to_ask(profile: UserProfileData, told: str) -> list[str]:
    """Return the fields that are missing and were not asked often enough, in order.

    Args:
        profile: What is known.
        told: Everything that the person was told.
    """
    return [
        field
        for field, *wordings in _QUESTIONS
        if _missing(profile, field) and _tries(wordings, told) < MOST_TRIES and not _any_will_do(field, wordings, told)
    ]


def next_question(
    profile: UserProfileData, asked: str | None, *, told: str = '', shown: bool = False, unsure: bool = False
) -> str:
    """Return the next thing to ask about what is missing, not in the words of the last one; empty when enough was asked.

    Args:
        profile: What is known.
        asked: What the person was told last.
        told: Everything that they were told.
        shown: Whether they were shown cars.
        unsure: Whether they had no answer to it; something else is asked then.
    """
    open_fields = to_ask(profile, told)
    left = [question for question in _QUESTIONS if question[0] in open_fields]
    put = asked or ''
    if shown and (not left or any(question[1] in put or question[2] in put for question in left)):
        # Whoever was shown cars is asked each missing thing once.
        return _offer([WHICH_ONE, CONSULTANT], put, told)
    if not left:
        return _offer([CONSULTANT] if missing(profile) else [COMPLETE, CONSULTANT], put, told)
    if unsure and len(left) > 1:
        last = next((at for at, question in enumerate(left) if question[1] in put or question[2] in put), -1)
        left = left[last + 1 :] or left
    _, first, second = left[0]
    return second if first in told else first


def _offer(offers: Sequence[str], put: str, told: str) -> str:
    """Return the first offer that was not just made nor too often; whoever takes none is asked nothing more."""
    return next((one for one in offers if one not in put and told.count(one) < MOST_TRIES), '')


def unanswered(profile: UserProfileData, asked: str | None) -> bool:
    """Return whether what the person was asked last is still missing."""
    return any(_missing(profile, field) and _tries(wordings, asked or '') for field, *wordings in _QUESTIONS)


def _any_will_do(field: str, wordings: Sequence[str], told: str) -> bool:
    """Return whether the person was asked for a type or brand and prefers none."""
    return field == 'body_types' and any(f'{wording}\n{NO_MATTER}' in told for wording in wordings)


def _tries(wordings: Sequence[str], told: str) -> int:
    return sum(told.count(wording) for wording in wordings)


def acknowledgement(profile: UserProfileData, recorded: Mapping[str, Any]) -> str:
    """Return what was understood in this turn, in a few words; empty when nothing was."""
    said = [text for field, value in recorded.items() if (text := _spell(profile, field, value))]
    noted = [f'Anotado: {", ".join(said)}.'] if said else []
    pleased = [f'Prazer, {profile.name}!'] if recorded.get('name') and profile.name else []
    return ' '.join([*pleased, *noted])


def known(profile: UserProfileData) -> str:
    """Return what is known of the person, in a few words; empty when nothing is."""
    spelled = {field: _spell(profile, field, value) for field, value in profile.known().items()}
    return ', '.join(f'nome {profile.name}' if field == 'name' else text for field, text in spelled.items() if text)


def _missing(profile: UserProfileData, field: str) -> bool:
    if field == 'state':
        return profile.city is not None and profile.state is None
    if field == 'city':
        return profile.city is None and profile.state is None
    if field == 'body_types':
        return not (profile.body_types or profile.brands)
    return not getattr(profile, field)


def _spell(profile: UserProfileData, field: str, said: Any) -> str:
    held = getattr(profile, field, None)
    value = held
    if isinstance(held, list) and isinstance(said, list):
        value = [item for item in cast('list[Any]', held) if item in said]
    wording = _WORDINGS.get(field)
    return wording(value) if value and wording else ''


_WORDINGS: dict[str, Callable[[Any], str]] = {
    'budget_min': lambda value: f'a partir de {money(value)}',
    'budget_max': lambda value: f'até {money(value)}',
    'main_use': lambda value: f'para {USES[value]}',
    'city': str,
    'state': str,
    'priorities': lambda value: ' e '.join(PRIORITIES[one] for one in value),
    'brands': ' ou '.join,
    'excluded_brands': lambda value: f'sem {" e ".join(value)}',
    'body_types': lambda value: ' ou '.join(BODIES[one] for one in value),
    'urgency': URGENCIES.__getitem__,
    'payment': PAYMENTS.__getitem__,
    'trade_in': lambda value: f'{value} na troca',
}
