"""`understand`: what one turn says, put together from the extractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from agent_memory.agents.portuguese._answers import (
    answer_to_proposal,
    leading_answer,
    left_over,
    named_pick,
    picks,
    without_leading_no,
)
from agent_memory.agents.portuguese._body import extract_body
from agent_memory.agents.portuguese._brands import extract_brands
from agent_memory.agents.portuguese._changes import dropped
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._guard import is_placeholder, without_injections
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._money import extract_money
from agent_memory.agents.portuguese._name import extract_name
from agent_memory.agents.portuguese._payment import extract_payment
from agent_memory.agents.portuguese._place import extract_place
from agent_memory.agents.portuguese._priorities import extract_priorities
from agent_memory.agents.portuguese._question import options_of, question_sentences, topics_of
from agent_memory.agents.portuguese._requests import consent, erasure, greets, opt_out, person, restarts
from agent_memory.agents.portuguese._retract import taken_back
from agent_memory.agents.portuguese._rights import Right, rights
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._small_talk import without_small_talk
from agent_memory.agents.portuguese._text import END, Words, read_words
from agent_memory.agents.portuguese._urgency import extract_urgency
from agent_memory.agents.portuguese._use import extract_use
from agent_memory.agents.portuguese._vehicles import find_vehicles
from agent_memory.errors import InvalidPatch
from agent_memory.lead import UserProfileData
from agent_memory.profile import Change


@dataclass(frozen=True)
class Understanding:
    """What one turn of a person says."""

    changes: tuple[Change, ...]
    """Changes of the profile, ready for `UserProfileData.patch`."""
    consent: bool | None = None
    """The answer to a consent question that the agent put; `False` also for a revocation."""
    person: bool | None = None
    """`True` asks for a human, `False` takes that back."""
    opt_out: bool | None = None
    """`True` wants no more messages, `False` wants them again."""
    erasure: bool | None = None
    """`True` wants the personal data deleted, `False` takes that back."""
    rights: tuple[Right, ...] = ()
    """What else the person claims over their own data."""
    restart: bool = False
    greeting: bool = False
    understood: bool = True
    """`False` when nothing at all was recognised."""
    choice: int | None = None
    """The option, from 1, picked among those the agent listed, when it states no fact by itself."""


_EXTRACTORS: tuple[Callable[[Scene], list[Change]], ...] = (
    extract_money,
    extract_use,
    extract_place,
    extract_priorities,
    extract_brands,
    extract_body,
    extract_urgency,
    extract_payment,
    extract_name,
)
_SMALL_TALK = Lexicon(
    {
        True: 'obrigado | agradecido | agradeco | tchau | ate mais | ate logo | abraco | gracias | thanks | thank '
        'you | preco | custa | quanto | valor | foto | fotos | disponivel | disponiveis | endereco | loja | horario '
        '| garantia | '
        'financi* | parcela* | entrada | test drive | ver | carro | carros | modelo | modelos | opcao | opcoes | '
        'oferta* | proposta | estoque | documento | documentacao | ipva | revisao | troca | fipe | seguro | desconto '
        '| robo | dados | como funciona | tanto faz | '
        'qualquer | nenhum | nenhuma | nao sei | talvez | manual | km | importante | abrem | abre | sabado | '
        'funciona | depende | '
        'entendi | comprei | comprar | kkk* | haha* | rsrs* | mensagem | bot | atendimento | veiculo | car | cars | '
        'price | photo | voces | demora* | barato | caro | cor | preto | preta | branco | branca | prata | cinza | vermelho | '
        'vermelha | azul | verde | japones* | alemao | chines* | vou pensar | pensar | amanha | marido | esposa'
    }
)
_HOLDS = 3


def understand(
    messages: Sequence[str], *, asked: str | None = None, profile: UserProfileData, today: date
) -> Understanding:
    """Return what one turn says, in the light of the agent's last message and of what is known.

    The same arguments always give the same result; no text raises.

    Args:
        messages: The messages of one turn, a burst in the order it was sent.
        asked: The agent's last message, which bare answers such as "sim", "2" or "Londrina" are read against.
        profile: What is known so far.
        today: The day of the turn, which relative dates count from.
    """
    said, injected = without_injections([message for message in messages if not is_placeholder(message)])
    words = read_words(said)
    if all(word.text == END for word in words):
        return Understanding((), understood=injected)
    scene = Scene(without_small_talk(words), topics_of(asked), profile, today)
    choice, scene = _chosen(scene, asked)
    if choice is not None:
        return Understanding((), choice=choice)
    requests = _requests(scene, asked)
    changes: list[Change] = [] if requests.erasure else _facts(scene, asked)
    if requests.opt_out:
        # "parem de me mandar mensagem todo dia" tells nothing about the car's use.
        changes = [change for change in changes if change.field not in ('main_use', 'urgency')]
    if requests.restart:
        changes = [*_everything(profile), *changes]
    valid = _valid(profile, changes)
    requests = replace(requests, changes=valid, greeting=greets(words))
    recognised = bool(changes) or _recognises(scene, words, requests) or injected
    claimed = _claimed(scene, requests, corrects=bool(valid))
    return replace(requests, rights=claimed, understood=recognised or bool(claimed))


def _requests(scene: Scene, asked: str | None) -> Understanding:
    words = scene.words
    erase = erasure(words, scene.topics)
    return Understanding(
        (),
        consent=consent(words, scene.topics, question='?' in (asked or '') or bool(asked)),
        person=person(words, scene.topics) if not erase else None,
        opt_out=opt_out(words, scene.topics),
        erasure=erase,
        restart=restarts(words) and not erase,
    )


def _claimed(scene: Scene, requests: Understanding, *, corrects: bool) -> tuple[Right, ...]:
    """Return the rights that are claimed; a correction that says what is right is made at once and is none."""
    if requests.erasure or requests.consent is not None:
        return ()
    return tuple(right for right in rights(scene.words) if not (right == 'correction' and corrects))


def _recognises(scene: Scene, typed: Words, requests: Understanding) -> bool:
    if requests.greeting or requests.restart or requests.choice is not None:
        return True
    if any(value is not None for value in (requests.consent, requests.person, requests.opt_out, requests.erasure)):
        return True
    known = answer_to_proposal(scene.words) is not None or _SMALL_TALK.within(typed) is not None
    known = known or (bool(scene.topics) and any(word.number is not None for word in scene.words))
    return known or bool(scene.vehicles)


def _facts(scene: Scene, asked: str | None) -> list[Change]:
    """Return the facts of the turn; those of the agent's proposal come first when the turn says yes to it."""
    changes: list[Change] = []
    answer = answer_to_proposal(scene.words)
    if asked and answer:
        changes += _proposed(scene, asked)
    if answer is False:
        if scene.asks('urgency') and not any(word.number for word in scene.words):
            changes += [Change(field='urgency', value='exploring')] if _denies_hurry(asked) else []
        changes += [*_refused_brand(asked), *_not_sought(scene, asked)]
        scene = replace(scene, words=without_leading_no(scene.words))
    own = _extract(scene)
    # A list takes what is added to the agent's proposal: "isso, e segurança também".
    stated = {change.field for change in own if not (isinstance(change.value, list) and change.op == 'remember')}
    return [*(change for change in changes if change.field not in stated), *own]


_HURRY = Lexicon({True: 'pressa | urgencia | urgente | logo | imediat* | rapido | hurry'})
_OPEN_QUESTION = Lexicon(
    {
        True: 'qual | quais | quanto | quanta | quantos | quando | onde | como | que tipo | o que | que marca | em '
        'que | de que | what | which | when | where | how | cual'
    }
)


_BEFORE_QUESTION_WORD = word_set(', e mas em de para por ate com entao agora a')


def _is_open(question: Words) -> bool:
    """Return whether a question asks for more than yes or no; "anoto Natal como sua cidade?" does not."""
    return any(
        hit.start == 0 or question[hit.start - 1].text in _BEFORE_QUESTION_WORD or hit.end >= len(question) - 1
        for hit in _OPEN_QUESTION.find(question)
    )


def _denies_hurry(asked: str | None) -> bool:
    return bool(asked) and _HURRY.within(read_words([asked or ''])) is not None


_OFFERS_BRAND = Lexicon({True: 'aceita | aceitaria | considera | consideraria | gosta | curte | toparia | topa'})


def _refused_brand(asked: str | None) -> list[Change]:
    """Return the brand that a no to "e Peugeot?" or "aceita Renault?" refuses."""
    last = question_sentences(read_words([asked or '']))[-1:]
    brands = [mention.vehicle.brand for mention in find_vehicles(last[0]) if not mention.vehicle.model] if last else []
    if len(brands) != 1 or not (_OFFERS_BRAND.within(last[0]) or (len(last[0]) <= 4 and last[0][0].text == 'e')):
        return []
    return [Change(field='excluded_brands', value=[brands[0]])]


_SOUGHT = Lexicon({True: 'procura | busca | buscando | procurando | interesse'})


def _not_sought(scene: Scene, asked: str | None) -> list[Change]:
    """Return what a no to "procura um Polo?" takes back: the wish that an earlier question let suppose."""
    proposed = _proposed(scene, asked) if asked and _SOUGHT.within(read_words([asked])) else []
    if len(proposed) != 1 or not isinstance(value := proposed[0].value, list):
        return []
    return dropped(scene.profile, proposed[0].field, [str(item) for item in value])


def _proposed(scene: Scene, asked: str) -> list[Change]:
    """Return the facts of a yes-or-no question, such as "posso anotar um sedan?"."""
    sentences = question_sentences(read_words([asked]))
    last = sentences[-1]
    if scene.asks('consent', 'deposit', 'instalment') or _is_open(last):
        return []
    if any(word.text in ('ou', 'or') for word in last) or asked.rstrip().endswith(_OPEN_LIST):
        return []
    if len(sentences) == 1 and len(last) <= 3:
        last = read_words([asked])
    return _extract(replace(scene, words=_as_said(last), topics=scene.topics & {'state', 'city'}))


_OPEN_LIST = ('...?', '…?')
"""Ends a choice and no proposal, such as "família, trabalho, viagem...?"."""

# "Você aceita Renault?" proposes the brand; in a customer's mouth it asks for a trade-in.
_PROPOSING = word_set(
    '? aceita aceitaria aceitariam aceitam toparia topa entao posso podemos anotar anoto registrar registro considerar considero coloco '
    'colocar confirmar confirmo'
)


def _as_said(words: Words) -> Words:
    return Words(word for word in words if word.text not in _PROPOSING)


def _extract(scene: Scene) -> list[Change]:
    changes = _said(scene)
    for field, since in taken_back(scene).items():
        later = scene if since == 0 else replace(scene, words=Words(scene.words[since:]))
        if not any(change.field == field for change in _said(later)):
            changes = [change for change in changes if change.field != field] + dropped(scene.profile, field)
    return changes


def _said(scene: Scene) -> list[Change]:
    return [change for extract in _EXTRACTORS for change in extract(scene)]


def _chosen(scene: Scene, asked: str | None) -> tuple[int | None, Scene]:
    """Read a pick as the words of the option; return the number of an option that states no fact."""
    options = options_of(asked)
    if len(options) < 2:
        return None, scene
    chosen = picks(scene.words, len(options))
    named = chosen or named_pick(scene.words, len(options))
    named = named or left_over(scene.words, [read_words([option]) for option in options])
    if not named:
        return None, scene
    said = scene.saying([options[pick - 1] for pick in named])
    if not chosen:  # more was said than the pick
        return None, replace(said, words=Words((*said.words, *scene.words)))
    if not _is_offer(said) and (_extract(said) or leading_answer(said.words) is not None):
        return None, said
    return chosen[0], scene


def _is_offer(option: Scene) -> bool:
    """Return whether an option is a car on offer, "Onix 2019", which is looked at and not wished for."""
    told = any(word.number is not None and i not in option.of_vehicles for i, word in enumerate(option.words))
    return told and any(mention.vehicle.model for mention in option.vehicles)


def _everything(profile: UserProfileData) -> list[Change]:
    return [
        Change(field=field, value=value if isinstance(value, list) else None, op='forget')
        for field, value in profile.known().items()
    ]


def _valid(profile: UserProfileData, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes that the profile takes together; a contradiction costs only the change that makes it."""
    if _fits(profile, changes):
        return tuple(changes)
    kept: list[Change] = []
    for change in changes:
        if _fits(profile, [*kept, change]):
            kept.append(change)
    return tuple(kept)


def _fits(profile: UserProfileData, changes: Sequence[Change]) -> bool:
    try:
        profile.patch(changes)
    except InvalidPatch:
        return False
    return True
