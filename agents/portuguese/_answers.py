"""Answers that mean something only against the agent's question: yes and no, a number, a letter, "os dois"."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Word, Words

_LEADING = word_set(', ah ai hm hum oi ola bom boa dia tarde noite entao olha ! e opa eu acho que muito .')
_YES_NO = Lexicon(
    {
        False: 'quero/dou/passo/precisa/carece/necessita/preciso nao ⏎/,/./! | nop | 🙅 | deus me livre | estou fora | sai fora | capaz ⏎ | infelizmente nao | lamento mas nao | declino | nao | negativo | nunca | jamais | prefiro que nao | melhor nao | de jeito nenhum | de forma alguma | '
        'agora nao | acho que nao | claro que nao | nem pensar | nope | no | 👎 | ❌ | deixa quieto | deixa para la | '
        'deixa | nem | por enquanto nao | '
        'ainda nao | nao quero | nao autorizo | nao aceito | nao concordo | nao precisa | hoje nao | prefiro nao | '
        'nada disso | recuso | discordo | nem a pau | no quiero | claro que no | no thanks | eu nao | errado | '
        'dispenso',
        True: 'sem stress/estresse | nao me? incomodo/incomoda | tem problema nao | dboa | okk | vai fundo | nenhum problema | dou sim | dou ⏎/,/!/. | de boas | sem grilo/grilos | vai la | 🤝 | perfeitamente | certamente | seguramente | naturalmente | evidentemente | obviamente | sem duvida/duvidas | afirmativo | decerto | '
        'de fato | pois nao | com prazer | esta correto/correta/certo/certa | procede | de pleno/comum? acordo | estou ciente | ciente | '
        'tem/tendes/dou a? meu/minha autorizacao/permissao/consentimento/anuencia/concordancia/aval | fica/fiquem autorizado/autorizados/registrado | por certo | pdp | pode pa/crer/mandar | partiu | fmz | firmeza | ja e | demoro | fechadissimo | simbora | nao me oponho | nao .. objecao/objecoes/inconveniente/impedimento/oposicao/restricao | sem objecao/objecoes/restricao/restricoes/oposicao | nada contra | nao .. nada contra | sim | esta , pode/podem/sim/autorizo/aceito/concordo/ok | mais ou menos isso | quase isso | por ai | e por ai | nessa faixa | claro | pode | podem | pode sim | pode ser | aceito | concordo | autorizo | ok | okay | okey | '
        'oki | tudo bem | tudo certo | tudo ok | beleza | de acordo | sem problema/problemas | nao vejo problema* | '
        'nao .. problema | nao me? importo | nao ligo | manda ver/bala | uhum | aham | ahan | positivo | fechado | '
        'fechou | bora | tranquilo | por mim | por mim tudo bem | isso | isso mesmo/ai | exato | exatamente | '
        'correto | certo | certinho | confere | confirmo | confirmado | com certeza | perfeito | esta bom/certo/ok | '
        'joia | tudo joia | show | demorou | otimo | e sim/isso/claro | topo | aprovado | liberado | absolutamente | '
        'se der/puder/possivel/desse sim? | de preferencia sim? | seria bom/otimo/ideal/perfeito | melhor ainda | '
        'prefiro sim | prefiro que sim | isso sim | faco questao | ia ser bom | fundamental | indispensavel | essencial | '
        'tambem e importante | tambem importa/conta | e importante | importante | importante sim | tambem ⏎ | tambem sim | '
        'autorizado | autorizada | concordado | aprovada | liberada | '
        'evidente | logico | obvio | consinto | permito | acho/acredito que sim | boa ideia | suave | de boa | '
        'a vontade | fique a vontade | quero sim | vou querer | vou sim | sou sim | moro sim | tenho sim | faco sim | eu quero | '
        '👍 | ✅ | 👌 | yes | yeah | yep | sure | i agree | agree | of course | si | dale | claro que si',
    }
)
# Verbs that answer a question by saying it again. They agree to a proposal, but never to the use of personal data.
_ECHO = Lexicon(
    {
        True: 'acertou | na mosca | bem isso | cravou | adivinhou | matou a charada | e esse/essa mesmo? | esse/essa mesmo/ai | e o que eu? quero/queria/procuro/busco/preciso | e? o que eu? estou procurando/querendo | e? por ai | certissimo | issae | '
        'precisa ⏎/,/!/. | precisa sim | tem que ter/ser | quero | sou | moro | tenho | uso | vamos | vai | seria | faco | gostaria | muito | bastante | '
        'necessito | desejo | '
        'adoraria | preciso | consigo/posso/gosto/curto/serve/rola/topo/toparia/considero/cabe/compensa/interessa/agrada ⏎/,/!/. | '
        'consigo/posso/gosto/curto/serve/rola/da/cabe/compensa/interessa sim'
    }
)
_ORDINAL = {
    'primeira': 1, 'primeiro': 1, 'segunda': 2, 'segundo': 2, 'terceira': 3, 'terceiro': 3, 'quarta': 4, 'quarto': 4, 'quinta': 5, 'quinto': 5,
    'um': 1, 'uma': 1, 'first': 1, 'second': 2, 'third': 3, 'one': 1, 'two': 2, 'three': 3,
}  # fmt: skip
_LAST = frozenset({'ultima', 'ultimo', 'last'})
_ALL = Lexicon(
    {
        True: 'qualquer um/uma dos/das dois/duas/tres/2/3 | os dois | as duas | ambos | ambas | os tres | as tres | todos | todas | tudo | both | all | todas as '
        'opcoes | os 2 | as 2 | os 3 | as 3'
    }
)
_EDGES = Lexicon({'first': 'duas/dois/2 primeiras/primeiros', 'last': 'duas/dois/2 ultimas/ultimos'})
_FILLERS = word_set(
    'a o as os letra opcao numero item alternativa n e , . ! ) ( quero pode ser fico com na no vou prefiro '
    'acho que mesmo opcoes : - por favor sim ⏎ seria escolho the option number ou talvez primeira segundo de '
    'gostei mais me interessa interessou essa esse ver quero ai la entao anota marca poe coloca manda vai fica ne q sera '
    'aqui este esta isso da do eh seja opto ficaria ficar escolheria melhor pega pego prefira leva levo so somente apenas'
) | {END}


def leading_answer(words: Words) -> bool | None:
    """Return the yes or no that the turn opens with; `None` when it opens with neither."""
    if len(words) == 2 and words[0].raw.lower() in ('é', 'tá', 'ta'):
        return True
    i = _opening(words)
    hit = _YES_NO.at(words, i) if i < len(words) else None
    return (hit.value and not _is_taken_back(words, hit.end)) if hit else None


def _is_taken_back(words: Words, at: int) -> bool:
    """Return whether a "não" behind a verb denies it: "autorizo não", "quero não, viu"."""
    if not words[at - 1].text.isalpha() or words[at - 1].text not in _VERBS or words[at : at + 1] == ():
        return False
    return words[at].text == 'nao' and (at + 1 >= len(words) or words[at + 1].text in SENTENCE_ENDS | {','})


_VERBS = word_set(
    'autorizo aceito concordo consinto permito quero pode podem posso consigo topo gosto curto preciso sou moro tenho faco uso vamos vai '
    'desejo serve rola aprovo confirmo'
)


def answer_to_proposal(words: Words) -> bool | None:
    """Return the yes or no to a proposal, which "quero" and "sou" also accept."""
    answer = leading_answer(words)
    if answer is not None:
        return answer
    i = _opening(words)
    echo = _ECHO.at(words, i) if i < len(words) else None
    return not _is_taken_back(words, echo.end) if echo else None


def _opening(words: Words) -> int:
    """Return where the answer begins, after greetings and other openings."""
    i = 0
    while i < len(words) and words[i].text in _LEADING and not (_YES_NO.at(words, i) or _ECHO.at(words, i)):
        i += 1
    return i


def without_leading_no(words: Words) -> Words:
    """Return what follows an answering "não," so that it negates nothing else."""
    if len(words) > 1 and words[0].text == 'nao' and words[1].text in SENTENCE_ENDS | {',', '-'}:
        return Words(words[2:])
    return words


def picks(words: Words, count: int) -> list[int]:
    """Return the options, from 1 to `count`, that the turn picks and says nothing else; none otherwise."""
    if edge := _EDGES.within(words):
        return [1, 2] if edge == 'first' else [count - 1, count]
    if _ALL.within(words) and len(words) <= 6:
        return list(range(1, count + 1))
    words = _apart(words)
    chosen: list[int] = []
    for i, word in enumerate(words):
        pick = _pick(words, i, count)
        if pick is not None:
            if not 1 <= pick <= count:
                return []
            chosen.append(pick)
        elif word.text not in _FILLERS and not (word.text in ('\ufe0f', '\u20e3')):
            return []
    return list(dict.fromkeys(chosen))


def _apart(words: Words) -> Words:
    """Return the words with "1,2" read as two numbers."""
    apart: list[Word] = []
    for word in words:
        pair = len(word.raw) == len('1,2') and word.number is not None and not word.number.is_integer()
        apart += [Word(digit, digit, float(digit)) for digit in word.raw[::2]] if pair else [word]
    return Words(apart)


def left_over(words: Words, options: Sequence[Words]) -> list[int]:
    """Return the option, from 1, that "sedan não, o outro" leaves of two."""
    if len(options) != 2 or _THE_OTHER.within(words) is None:
        return []
    said = {word.text for word in words} - _FILLERS
    named = [not said.isdisjoint(word.text for word in option) for option in options]
    return [named.index(False) + 1] if any(named) and not all(named) else []


_THE_OTHER = Lexicon({True: 'o/a outro/outra'})


def named_pick(words: Words, count: int) -> list[int]:
    """Return the one option, from 1 to `count`, that is called by its letter or number among other words."""
    picked = {_pick(words, i, count) for i in range(1, len(words)) if words[i - 1].text in _CALLED}
    return [pick for pick in picked if pick and pick <= count] if len(picked) == 1 else []


_CALLED = word_set('letra opcao alternativa option')


def _pick(words: Words, i: int, count: int) -> int | None:
    word = words[i]
    if word.number is not None:
        return int(word.number) if word.number.is_integer() else None
    if word.text in _ORDINAL:
        return _ORDINAL[word.text]
    if word.text in _LAST:
        return count
    if word.text == 'meio' and count % 2:
        return count // 2 + 1
    letter = word.raw.lower()
    if len(letter) != 1 or not 'a' <= letter <= 'h':
        return None
    # "a" and "e" are also the article and "and": they pick only beside nothing else that could be meant.
    alone = all(other.text in SENTENCE_ENDS | {')', '.', ','} for j, other in enumerate(words) if j != i)
    called = i > 0 and words[i - 1].text in _CALLED
    if letter == 'e':
        return 5 if alone or called else None
    if letter == 'a':
        return 1 if alone or called or _before_and(words, i) else None
    return ord(letter) - ord('a') + 1


def _before_and(words: Words, i: int) -> bool:
    return i + 1 < len(words) and words[i + 1].text in ('e', ',', 'ou')
