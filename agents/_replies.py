"""What the offline model says, in Brazilian Portuguese: one acknowledgement, one question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from agent_memory.agents._wording import BODIES, PAYMENTS, PRIORITIES, URGENCIES, USES, money
from agent_memory.lead import UserProfileData

GREETING = 'Olá! Sou o assistente virtual da loja e vou te ajudar a achar um carro.'
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
TERMS = 'Preço final, desconto, pagamento e prazo quem confirma é a nossa equipe. Quer que eu chame um consultor?'
PRICE_LATER = 'O preço depende do carro que eu encontrar para você.'
COMPLETE = 'Já tenho o que preciso. Quer que eu chame um consultor para te mostrar as opções?'
CONSULTANT = 'Posso chamar um consultor para continuar com você?'
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


def is_complete(profile: UserProfileData) -> bool:
    """Return whether nothing is left to ask."""
    return not missing(profile)


def missing(profile: UserProfileData) -> list[str]:
    """Return the fields that are left to ask, in order."""
    return [question[0] for question in _QUESTIONS if _missing(profile, question[0])]


def next_question(profile: UserProfileData, asked: str | None, *, shown: bool = False, unsure: bool = False) -> str:
    """Return the next thing to ask: one question about what is missing, not in the words of the last one.

    Args:
        profile: What is known.
        asked: What the person was told last.
        shown: Whether they were shown cars.
        unsure: Whether they had no answer to it; something else is asked then.
    """
    left = [question for question in _QUESTIONS if _missing(profile, question[0])]
    put = asked or ''
    if shown and (not left or any(question[1] in put or question[2] in put for question in left)):
        # Whoever was shown cars is asked each missing thing once.
        return CONSULTANT if WHICH_ONE in put else WHICH_ONE
    if not left:
        return CONSULTANT if COMPLETE in put else COMPLETE
    if unsure and len(left) > 1:
        last = next((at for at, question in enumerate(left) if question[1] in put or question[2] in put), -1)
        left = left[last + 1 :] or left
    _, first, second = left[0]
    return second if first in put else first


def acknowledgement(profile: UserProfileData, recorded: Mapping[str, Any]) -> str:
    """Return what was understood in this turn, in a few words; empty when nothing was."""
    said = [text for field, value in recorded.items() if (text := _spell(profile, field, value))]
    return f'Anotado: {", ".join(said)}.' if said else ''


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
    'name': lambda value: f'prazer, {value}',
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
