"""What people ask of a shop beside cars: photos, trade-in, address, hours. The answers promise nothing."""

from __future__ import annotations

from typing import Literal

from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import Words

Enquiry = Literal[
    'how_are_you', 'available', 'photos', 'trade_in', 'address', 'hours', 'robot', 'papers', 'elsewhere', 'help', 'dislike',
    'thinking',
]  # fmt: skip

_ENQUIRIES: Lexicon[Enquiry] = Lexicon(
    {
        'how_are_you': 'tudo bem ? | tudo bom ? | como vai | como voce/voces esta/estao | tudo joia ? | beleza ? | tudo certo ? | tudo bem com voce',
        'available': 'disponivel | disponiveis | ainda tem o/a/esse/essa/ele/ela/? | ainda ta/esta ai/la | ja vendeu/vendido/vendida | foi vendido/vendida',
        'photos': 'foto | fotos | imagem | imagens | video | videos',
        'trade_in': 'aceita/aceitam/pega/pegam/avalia/avaliam .. troca/carro/usado | na troca ? | fazem troca | trabalham com troca | dar/dou .. na troca',
        'address': 'endereco | onde fica* | onde voces ficam/estao/sao | localizacao | como chego | fica onde | loja fisica | loja .. onde | onde .. loja | de onde voces sao | que cidade voces',
        'hours': 'horario* | que horas | abre/abrem .. sabado/domingo/feriado/hoje/hora/horas | ate que horas | funciona/funcionam .. sabado/domingo/feriado',
        'robot': 'e/es um? robo | voce e .. robo/pessoa/humano/real/maquina | falando com .. robo/maquina | inteligencia artificial | chatgpt | quem e voce | e uma ia',
        'papers': 'batido | leilao | sinistro | laudo | procedencia | documento | documentos | documentacao | ipva | licenciado | multa | multas | '
        'transferencia | unico dono | quantos donos | confiaveis | confiavel a loja | golpe | garantia | recall | revisado | revisoes',
        'elsewhere': 'moto | motos | motocicleta | caminhao | onibus | barco | jet ski | bicicleta | funilaria | oficina de voces | vaga/vagas de? emprego | '
        'curriculo | alug* | locacao | pecas usadas | vendem pneu* | fazem seguro | seguro , fazem',
        'help': 'me ajuda | ajuda | como funciona | nao sei como funciona | o que voce faz | como assim | nao entendi | nao sei por onde comecar | me explica',
        'dislike': 'nao gostei | nenhum deles | nenhum desses | muito caro | muito cara | caro demais | ta caro | achei caro | esta caro | mais barato | mais baratos | '
        'mais em conta | nao curti | nao me interessou | nao quero nenhum',
        'thinking': 'vou pensar | vou ver com | vou falar com .. marido/esposa/mulher/pai/mae/banco | depois te? falo/chamo/respondo/vejo | depois eu vejo | '
        'mais tarde eu? .. falo/vejo/respondo | ja volto | te retorno | preciso pensar | qualquer coisa chamo/te chamo/eu chamo | estou no trabalho | agora nao posso',
    }
)  # fmt: skip
THINKING = 'Sem problema, pense com calma. Quando quiser continuar, é só me chamar por aqui.'
_ANSWERS: dict[Enquiry, str] = {
    'available': 'Se o carro ainda está disponível, um consultor te confirma.',
    'photos': 'As fotos quem te manda é um consultor.',
    'trade_in': 'O seu carro na troca quem avalia é a nossa equipe.',
    'address': 'O endereço certinho um consultor te passa.',
    'hours': 'O horário de atendimento um consultor te confirma.',
    'robot': 'Sou um assistente virtual; se preferir falar com uma pessoa, é só pedir um atendente.',
    'papers': 'Procedência, documentação e garantia de cada carro um consultor te confirma.',
    'elsewhere': 'Por aqui eu só ajudo na compra de carros usados.',
    'help': 'Eu te ajudo a achar um carro do nosso estoque: você me conta o que procura, eu mostro as opções.',
    'dislike': 'Sem problema! O que você prefere mudar: o valor, o tipo ou a marca?',
    'thinking': THINKING,
}
FINE = 'Tudo ótimo por aqui!'
ASKS_TRADE_IN = 'Qual é o modelo e o ano do seu carro?'
_LAST_WORDS: frozenset[Enquiry] = frozenset({'dislike', 'thinking'})
"""What is answered in full: no further question follows."""


def read_enquiries(words: Words) -> tuple[Enquiry, ...]:
    """Return what a turn asks of the shop, in order, each once."""
    return tuple(dict.fromkeys(hit.value for hit in _ENQUIRIES.find(words)))


def answer(enquiries: tuple[Enquiry, ...], *, shown: bool, trade_in: bool) -> tuple[str, bool]:
    """Return the answer to at most two enquiries, and whether it needs no further question.

    Args:
        enquiries: What was asked.
        shown: Whether cars were shown, without which there is nothing to dislike.
        trade_in: Whether the car in exchange is known.
    """
    answers = {one: _ANSWERS.get(one, '') for one in enquiries if shown or one != 'dislike'}
    meant = [one for one, said in answers.items() if said][:2]
    said = [answers[one] for one in meant]
    if 'trade_in' in meant and not trade_in:
        return ' '.join([*said, ASKS_TRADE_IN]), True
    return ' '.join(said), not _LAST_WORDS.isdisjoint(meant)
