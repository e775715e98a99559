"""What must not be read as the person's own word: placeholders for media, injected instructions, role-play."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import fold, read_typed

_PLACEHOLDER = re.compile(
    r'^[\s<\[(*_]{0,4}(?:[🎤🎙🎵📷🖼🎥📹📄📎🎧🔊📸]|(?:mensagem de (?:voz|audio)|audio|voice '
    'message|imagem|image|foto|photo|video|sticker|figurinha|documento|document|'
    r'arquivo|midia|media|mensagem apagada|localizacao|contato|ptt|gif)\b\s{0,2}(?:ocult|omitid|omitted|de '
    r'voz|\]|>|\)|:|\(|\.|$|nao|anexad|enviad|recebid|indispon|hidden|attached))'
)
_FILE = re.compile(
    r'^(?:img|vid|aud|ptt|doc|stk)-\d{6,8}-\S{1,40}|\.(?:jpg|jpeg|png|opus|ogg|mp3|mp4|pdf|webp)\b.{0,30}$'
)

_WHOLE = Lexicon(
    {
        True: 'system : | system prompt | < system | [ system | [ sistema | < sistema | sistema : | assistant : | [ '
        'assistant | # system | # sistema | admin : | [ admin | developer : | '
        'voce agora e/sera/esta/vira | agora voce e/sera/esta | agora voce/tu/vc vai/vais obedecer/ser/agir/fazer/seguir/responder | tu/voce e/es um/uma/o/a vendedor*/robo/bot/ia/assistente/sistema/genio/hacker que/sem | obedec* .. so/somente/apenas | a partir de agora/hoje voce/vc | de agora em diante '
        'voce | finja | finge | fingir que | faca de conta | faz de conta | aja como | aja feito | atue como | se '
        'passe por | you are now | act as | pretend | '
        'modo desenvolvedor/deus/admin/debug/dan | developer mode | jailbreak | sou seu '
        'criador/desenvolvedor/programador | sou o administrador/desenvolvedor/programador | dan mode | o dan | role '
        'play | roleplay | nova instrucao | novas instrucoes | new instructions | '
        'begin system | end system | instrucao/instrucoes/mensagem/ordem/comando do/da sistema/desenvolvedor/admin/administrador/programador/openai | override | simule que | imagine '
        'que voce | responda como se | interprete um/uma | vamos brincar | brincar de | actua como | ahora eres | [ '
        'inst | < | im _ start'
    }
)
_SENTENCE = Lexicon(
    {
        True: 'ignor*/esquec*/desconsider*/disregard/forget/ignore/desobedec*/viole/burle .. '
        'instruc*/regras/regra/ordens/prompt/instructions/rules/diretriz*/comandos/programacao/restricoes/instrucciones/reglas '
        '| '
        'escrev*/registr*/anot*/coloqu*/grav*/marque/salv*/diga/inform*/respond* que o/a/este/esta/esse/essa? cliente/usuario/usuaria/lead/comprador/user/pessoa | '
        'write/note/record/say/save/register that the/this customer/user/client/lead/buyer | marque/defina .. urgencia/orcamento/marca/cidade/consentimento/prioridade/prioridades | set budget* | set .. true | chame a/o? ferramenta/funcao/tool | chama a ferramenta/funcao | execute | call '
        'the tool | tool call | function call | search _ cars | car _ details | compare _ cars | nota maxima | score 100 | wants _ human | consent _ given | consent '
        'given | budget max | budget _ max | opt _ out | erase _ request | '
        'marque/registre/grave/salve/defina/preencha .. como/campo/perfil/true | atualize .. perfil/campo/banco | '
        'drop table | select * from | prompt | seu prompt | suas instrucoes | suas regras | your instructions | sem '
        'regras | sem restricoes | desative .. regras/filtros/seguranca | '
        'qualifique me | me qualifique | lead qualificado | qualification | json | xml | script | revele | desconto '
        'de 90/99/100 % | por 1 real | de graca para mim'
    }
)
_SINCERE = Lexicon(
    {
        True: 'falando serio | agora serio | mas serio | agora e serio | serio agora | brincadeira | brincadeiras a '
        'parte | zoeira | enfim | voltando | na verdade | seriously | anyway | mas enfim | deixa eu falar serio | '
        'serio :'
    }
)
_OWN = Lexicon(
    {
        True: 'quero | queria | preciso | procuro | busco | moro | gostaria | tenho interesse | estou procurando | '
        'to procurando | i want | i need | looking'
    }
)


def is_placeholder(message: str) -> bool:
    """Return whether a message only stands for something that was sent, such as a voice note."""
    text = fold(message.strip())
    return bool(_PLACEHOLDER.match(text) or _FILE.search(text))


def without_injections(messages: Sequence[str]) -> tuple[list[str], bool]:
    """Return what the person says of themselves, and whether instructions to the software were left out.

    A fake role or system text taints its message to the end, or until the person says that they are serious again.
    Another instruction taints its sentence, and what follows it unless it is said in the first person.
    """
    kept: list[str] = []
    tainted = False
    for message in messages:
        clean, hit = _clean(message)
        tainted = tainted or hit
        if clean:
            kept.append(clean)
    return kept, tainted


_SPLIT = re.compile(r'(?<=[.!?\n;])\s')


def _clean(message: str) -> tuple[str, bool]:
    if not _suspect(message):
        return message, False
    kept: list[str] = []
    state = 'clean'
    for sentence in _SPLIT.split(message):
        words = read_typed([sentence])
        if state != 'clean' and _SINCERE.within(words):
            state = 'clean'
        if _WHOLE.within(words):
            state = 'whole'
        elif _SENTENCE.within(words):
            state = 'sentence' if state != 'whole' else state
        elif state == 'clean' or (state == 'sentence' and _OWN.within(words)):
            kept.append(sentence)
    return ' '.join(kept), True


def _suspect(message: str) -> bool:
    words = read_typed([message])
    return bool(_WHOLE.within(words) or _SENTENCE.within(words))
