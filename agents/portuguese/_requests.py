"""What the person asks of the business: consent and its withdrawal, a person, no more messages, erasure, a new start."""

from __future__ import annotations

from agent_memory.agents.portuguese._answers import answer_to_proposal, leading_answer
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._people import KIN
from agent_memory.agents.portuguese._question import Topic
from agent_memory.agents.portuguese._text import END, Words

_PEOPLE = (
    'atendente/atendentes/humano/humana/humanos/consultor/consultora/vendedor/vendedora/gerente/especialista/'
    'atendentes/consultores/consultoras/vendedores/vendedoras/gerentes/especialistas/responsaveis/representantes/funcionarios/proprietario/'
    'responsavel/corretor/supervisor/supervisora/dono/operador/operadora/representante/funcionario/funcionaria'
)
_PERSON = Lexicon(
    {
        True: f'falar/conversar/fala/tratar/negociar/resolver .. {_PEOPLE} | '
        f'contato/numero/telefone/fone/celular/zap/whats/whatsapp de/do/da algum/alguma/um/uma? {_PEOPLE} | alguem .. retornar/retorne/retorna/contatar/contato | '
        f'falar/conversar/tratar/negociar/resolver diretamente/direto/pessoalmente/logo? com um/uma/algum/alguma/o/a/os/as? dos/das/de? seus/suas? {_PEOPLE} | '
        'quero/queria/posso/gostaria/preciso de? falar/conversar com o/a | '
        'pode/podem chamar/ligar ⏎ | chama ⏎ | chama ai | negociar/tratar/resolver/fechar/ver com .. pessoa/alguem/gente | '
        f'quero/queria/preciso/prefiro/gostaria/chama/chame/chamar/chamem/passa/passe/passar/transfere/transferir/transfira/manda/mande/coloca/coloque/bota/cade/tem/poe/aciona/encaminha/encaminhe '
        f'.. {_PEOPLE} | falar/conversar/fala com .. alguem/pessoa/gente/humano | atendimento humano | atendimento '
        f'por pessoa | pessoa de verdade | pessoa real | alguem de verdade | gente de verdade | gente de carne | '
        f'alguem real | '
        f'{_PEOPLE} .. me? ligar/ligue/chamar/chame/liga/entrar/contato/retornar | me liga | me ligue | me liguem | '
        f'me ligar | podem/pode me? ligar | ligar para mim | liga para mim | ligue para mim | liga aqui | alguem .. '
        f'ligar/liga/ligue/atender/atende/chamar/chama | '
        'me telefona/telefone/telefonem | alguem .. telefonar/telefone/telefona | pede/pedir/peca/pode/podem/poderiam/quero/queria/gostaria/manda .. me? telefonar/telefone/telefonasse/telefonem | '
        'me? da/dar/de/deem/dao um/uma toque/ligada/ligadinha/alo | para me? ligarem/telefonarem/chamarem | carne e osso | '
        'nao suporto/aguento/tolero de? falar/conversar/tratar com robo/bot/maquina/computador | '
        f'em contato com .. {_PEOPLE}/alguem | '
        'me retorna/retorne/retornem | retorno por telefone | por telefone | por ligacao | uma ligacao | nao quero '
        'falar .. robo/bot/maquina | nao quero .. robo | chega de robo/bot | nao falo com robo | cansei/cansado/cansada/farto/farta/odeio/detesto .. robo/bot/maquina | '
        'quero gente | quero falar com alguem | '
        'manda/mande/pede/peca/fala .. me chamar/ligar/retornar | chama alguem | chamar alguem | chame alguem | chama uma pessoa | passa para uma pessoa | '
        f'atendido/atendida/atendimento/atenda/atendam .. {_PEOPLE}/alguem/gente/pessoa/humano | tratar/falar/conversar .. com .. {_PEOPLE} | '
        f'me conecta/conecte/transfere/transfira/encaminha/encaminhe/passa/passe/poe/bota/coloca/coloque .. {_PEOPLE}/alguem/pessoa/vendas/gente | '
        'me transfere/transfira | pode/podem/vai me? transferir/encaminhar | me chama/chame/chamem/liga/ligue/ligar no/na/pelo zap/whats/whatsapp/telefone/celular/fone | '
        f'resolver/tratar/negociar/fechar/ver/falar/conversar isso/tudo/pessoalmente/direto? com um/uma? pessoa/alguem/humano/gente | '
        f'alguem da/do/de/ai loja/equipe/time/vendas? pode/podia/poderia? me ligar/chamar/retornar | querer .. {_PEOPLE} | quero pessoa | passa/passe/chama para? o/a? seu/sua superior/chefe/gerente | numero/contato/telefone de alguem | aguardo .. ligacao/retorno/contato | alguem .. atenda | me passa o/a {_PEOPLE} | '
        f' preciso de? um/uma? {_PEOPLE}/pessoa | {_PEOPLE}/alguem .. me? contatar | '
        'call me | talk/speak/chat to/with .. human/person/someone/agent/representative/salesperson | real '
        'person | human agent | '
        'hablar con .. persona/humano/asesor/alguien/vendedor | una persona | un asesor | quero ser atendido | tem '
        'alguem ai | alguem ai | algum humano | ser humano | uma pessoa para falar | nao quero falar com maquina | '
        'me passa para alguem | um humano | com o gerente | contato humano | '
        f'atendente | {_PEOPLE} por favor | me chama no/na/pelo 1/2/3/4/5/6/7/8/9 | falar no telefone | pessoa '
        f'fisica falar',
        False: f'continua/continue/segue/sigo/vamos/seguimos/continuo/continuamos/fico/ficamos/falo/resolvo/resolvemos/acerto/acertamos/acertando/fecho/prefiro .. voce/contigo/voces/aqui | vamos nos dois/2 | '
        f'nao .. chama/chame/chamem/ligue/liguem/liga .. ninguem/{_PEOPLE} | nao me liga/ligue/liguem/chama/chame | nao .. precisa/preciso me? ligar/chamar/transferir | '
        f'precisa/preciso mais? me? ligar/chamar/transferir mais? nao ⏎/,/./! | desist*/larg* .. {_PEOPLE}/ligacao | '
        f'continua voce | vai voce mesmo | deixa , nao precisa mais? ⏎ | deixa , nao precisa mais? , | deixa nao precisa mais? ⏎ | '
        f'nao .. precisa/preciso/quero mais? .. {_PEOPLE}/pessoa/alguem/ninguem | nao/nem .. precisa/preciso me? '
        f'chamar/ligar/passar | nao precisa , deixa | esquec*/cancela/deixa/desconsidera/dispensa .. '
        f'{_PEOPLE}/ligacao/humano | '
        f'continuar .. com? por? voce/contigo/aqui/robo/bot | continuo .. com voce/contigo/aqui | pode continuar .. '
        f'voce/comigo/aqui/contigo | nao quero falar .. {_PEOPLE}/ninguem/pessoa | prefiro .. por aqui | prefiro .. '
        f'com voce | prefiro .. com o robo | nao precisa mais .. ligar/{_PEOPLE} | '
        f'pode ser com voce mesmo | resolvo por aqui | resolvo com voce | nao .. me ligue/ligar/ligarem/liguem | sem '
        f'{_PEOPLE} | dispenso .. {_PEOPLE} | no need .. human/person/agent | sou {_PEOPLE} | meu .. {_PEOPLE} | '
        f'trabalho como {_PEOPLE} | voce e .. {_PEOPLE}/robo/pessoa/real | {_PEOPLE} me '
        f'atendeu/falou/disse/ligou/passou',
    }
)
# Phrases that mention a person without asking for one or calling one off.
_NO_PERSON = Lexicon(
    {
        True: f'{KIN} .. me ligar/telefonar/chamar/ligou/liga/chamou | falar/conversar com o/a? meu/minha/banco | falei/conversei/conversamos/falamos/tratei .. com .. {_PEOPLE} | com .. {_PEOPLE} do/da/de meu/minha/o/a? banco/condominio/predio/financeira/seguradora/escola/cooperativa/agencia/concessionaria/caixa/fazenda | sou {_PEOPLE} | meu/minha .. e? {_PEOPLE} | trabalho como {_PEOPLE} | voce e .. {_PEOPLE}/robo/pessoa/real '
        f'| e um/uma? robo/humano | {_PEOPLE} me atendeu/falou/disse/ligou/passou | vc e | sou motorista | ser/sou dono/dona | unico/primeiro/segundo/dono/dona dono/dona/de'
    }
)
_CALLED_OFF = Lexicon(
    {True: 'nao precisa mais ⏎ | nao precisa mais nao/,/./! | nao precisa mais , | nao precisa mais .'}
)
_PEOPLE_ALONE = Lexicon({True: _PEOPLE})
_CALL = 3
"""Words of a turn, its end counted, that only call for somebody: "gerente!"."""
_OPT_OUT_WORDS = frozenset(
    {
        'parar',
        'sair',
        'pare',
        'cancelar',
        'stop',
        'descadastrar',
        'remover',
        'unsubscribe',
        'descadastro',
        'cancela',
        'cancele',
    }
)
_OPT_OUT = Lexicon(
    {
        True: 'nao me? mande/mandem/envie/enviem isso/essas/esses/esse/disso | cancel* .. recebimento | cheio/cheia de promocao/promocoes | nao quero ser contatado/contactado/abordado/incomodado | nao quero promocoes/ofertas/propagandas/anuncios ⏎/./! | chega de promocao/promocoes/promos | quero parar de receber/ver | pode/podem parar com/de isso?/as/os/essas/esses/me? mensagem/mensagens/propaganda/propagandas/oferta/ofertas/mandar/enviar | '
        'mandam/enviam/manda .. mensagem/mensagens .. demais | cancel* .. envio/envios | sem mais/nenhuma mensagem/mensagens/oferta/ofertas/propaganda | nao quero esse/desse/dessas/essas/mais? tipo? de? mensagem/mensagens/propaganda | '
        'fora da/dessa/desta lista/transmissao | me tira/tire/tirem dai/disso/dessa/desse/desta | nao/num manda/mande/mandem/envia/envie/enviem mais | nao .. contat* .. mais/novo | chega de/dessas mensagem/mensagens/oferta/ofertas/propaganda | para de mandar/me | '
        'cansei/cansado/cansada/farto/farta/cheio/cheia de/dessas/desses/dessa/disso tanta/tantas/tanto? mensagem/mensagens/oferta/ofertas/propaganda/propagandas/spam | '
        'me deixa/deixe/deixem em paz | me esquece/esqueca/esquecam/erra ⏎/,/./! | sai/saia/saiam/larga/largue/larguem do/da meu/minha pe/cola | cess*/suspend*/interromp*/encerr*/paralis* .. envio/envios/mensagem/mensagens/oferta/ofertas/comunicacao/comunicacoes/contato/contatos/publicidade/propaganda/propagandas/divulgacao/promocoes | '
        'nao .. desejo/quero/queremos/gostaria .. receb* | nao .. contat*/procurem/procure mais | nao .. receb*/mande/mandem/manda/envie/enviem/mandar/mandarem/mandassem/enviar/enviarem/envia/enviassem/dispar*/encaminh* .. '
        'mensagem/mensagens/oferta/ofertas/propaganda/propagandas/nada/promocao/promocoes/contato/contatos/aviso/avisos/spam/whats/mais/comunicacao/comunicacoes/comunicado/comunicados/publicidade/divulgacao/divulgacoes/novidades/anuncio/anuncios '
        '| nao me mande* mais | nao me manda* mais | nao me envie* mais | nao quero .. contato | '
        'para*/pare/parem/parar/chega de .. '
        'mensagem/mensagens/propaganda/propagandas/oferta/ofertas/spam/encher/promocao/promocoes | '
        'para*/pare/parem/parar de me? mandar/enviar/chamar/contatar/ligar | me '
        'tira/tire/tirem/remova/remove/removam/exclua/exclui/retira/retire .. '
        'lista/grupo/contatos/transmissao/mailing | '
        'me descadastr* | quero descadastr* | descadastr* meu numero | quero sair .. lista/grupo | nao .. interesse em receber | nao quero .. contato | sair da lista | '
        'cancelar .. inscricao/mensagens/ofertas/recebimento/notificacoes | nao me cham* mais | nao me procur* '
        'mais | unsubscribe | stop messaging/sending/texting | '
        'no more messages | don t message/text/contact me | remove me | take me off | no me .. mensajes | nao quero '
        'mais .. mensagem/mensagens/oferta/ofertas/propaganda/novidades/promocoes | tira meu numero | tirem meu '
        'numero | remove* meu numero | nao me? perturbe/perturbem/perturbar/incomode/incomodem/incomodar/importune/importunem/importunar | me exclui/exclua/remove/remova/tira/retira/retire ⏎/dai/disso | parar mensagens/ofertas | tira/tire/tirem meu/o zap/whats/whatsapp/contato/telefone .. lista? | sem propaganda/spam | nao autorizo .. envio/ofertas/mensagens/propaganda | desinscrev* | nao entre* mais em contato | me bloqueia | bloque* .. numero/contato/whats | dejen de',
        False: 'quero receber as/os/suas? ofertas/mensagens/novidades sim/de/novamente/outra | quero continuar recebendo/receber | voltar/volta/volte/voltem a me? avisar/mandar/enviar/escrever/receber | '
        'pode/podem me? mandar/enviar/escrever/avisar sim/de/novamente | pode/podem me? mandar/enviar mensagem/mensagens/oferta/ofertas de novo | me poe/ponha/coloca/coloque/inclui/bota .. lista | retom*/reativ*/restabele* .. envio/envios/mensagens/ofertas | '
        'quero/queria voltar para a? lista | continua/continue/continuem mandando/enviando | me reinscrev* | reativ* meu? contato/cadastro | volta*/voltem .. mandar/enviar/receber .. mensagem/mensagens/oferta/ofertas? | voltar a me? '
        'mandar/enviar/receber | pode/podem .. voltar .. mandar/enviar/me chamar | pode/podem continuar '
        'me? mandando/enviando/avisando | quero .. receber .. de novo/novamente/sim/ofertas/mensagens/novidades | '
        'quero voltar a receber | '
        'pode/podem mandar .. de novo | pode/podem me? mandar .. ofertas/mensagens/novidades | aceito receber | me '
        'coloca de volta | me inscrev* | pode mandar oferta*',
    }
)
_NO_QUESTIONS = Lexicon(
    {True: 'enganosa | pergunta | perguntas | perguntar | perguntando | audio | enrolar | enrolacao'}
)
_ERASURE = Lexicon(
    {
        True: 'apag*/exclu*/delet*/remov*/elimin*/limp*/sumam/suma/some .. '
        'ficha/dados/cadastro/conta/historico/conversa/conversas/informacoes/informacao/registro/registros/contato | '
        'apag*/exclu*/delet* .. tudo .. mim/meu/minha/tem/falei/voces/cadastr* | apag*/delet* tudo | '
        'quero ser esquecid* | direito ao esquecimento | direito de exclusao | exclusao/remocao/eliminacao/apagamento/supressao/cancelamento de/do/dos/da/das todos/todas/todo/toda? os/as/o/a? meus/minhas/meu/minha? dados/cadastro/informacoes/registros/registro/conta/historico | suprim*/destru* .. dados/cadastro/informacoes/registros | nao .. guardem/guarde/mantenham/armazenem/fiquem .. dados/informacoes | '
        'delete/erase/remove .. data/account/everything/information/info/history | '
        'encerr*/cancel* .. conta/cadastro | sumir/sumam/some com .. dados/informacoes | esquec*/esquecam '
        '.. dados | esquec* tudo? .. de/sobre mim | me apag*/delet*/exclu*/remov*/tir* do/da/desse/dessa sistema/cadastro/base/banco/registros | tir*/remov*/apag*/exclu* meu/o nome/numero/telefone do/da/desse sistema/cadastro/base/banco/registros | ser esquecid* | nao quero ficar/estar em/no/na cadastro/sistema/registro | quero sumir/sair do/de cadastro/sistema/registros | quero/solicito/peco/desejo a? exclusao total/completa/geral/definitiva | tir*/retir*/descart*/jog* fora? meus/minhas/meu dados/cadastro/informacoes/ficha | '
        'apag*/exclu*/delet*/elimin* .. meu/meus numero/telefone/celular/contato/nome/nomes/perfil | nao quero meus dados/nome/numero ai/guardado/guardados/com/no/salvos | '
        'meus dados .. apagados/excluidos/deletados/fora',
        False: 'desist*/desisti de/da apag*/exclu*/delet*/exclusao | nao .. apag*/exclu*/delet*/elimin* | esquec*/deixa .. exclusao | '
        'deixa/mantem/mantenha/mantenham/manter/guarda/guardem .. dados/cadastro/registro/registros | nao precisa .. apagar/excluir/deletar | cancela* .. exclusao | '
        'mantenha/mantem/pode manter .. dados/cadastro | pode deixar .. dados/cadastro',
    }
)
_ACCESS = Lexicon(
    {
        True: 'se eu pedir/quiser/precisar/mandar/solicitar | voces/voce apagam/apaga/excluem/exclui/deletam/deleta/removem/remove | quais .. dados | que dados | ver .. dados | acess* .. dados | copia .. dados | como .. apag*/exclui* '
        '| como faco para | o que voces sabem'
    }
)
_REVOKED = Lexicon(
    {
        True: 'revog* | desisti/desisto de autorizar/consentir/concordar | retir*/cancel*/tir*/remov*/desfa*/anul* .. consentimento/autorizacao/permissao/aceite/anuencia | retir*/cancel*/tir* o sim/ok/aval/aceite .. dei | volto atras .. dados | '
        'nao concordo/autorizo/aceito/permito .. uso/tratamento/usem/dados | nao mais autorizo/concordo/aceito/consinto | nao autorizo mais | nao concordo '
        'mais | nao aceito mais | nao dou mais .. consentimento/autorizacao/permissao | nao quero mais que .. dados '
        '| nao .. us* .. meus dados | withdraw .. consent | revoke | '
        'mudei de ideia .. dados | desautoriz* | retiro o que .. dados | nao permito mais | nao consinto'
    }
)
_GRANTED = Lexicon(
    {
        True: 'autorizo/concordo/aceito/permito/consinto/pode/podem .. '
        'usar/uso/tratamento/tratar/guardar/registrar/registro/armazenar .. dados | aceito .. termos/lgpd/politica | '
        'autorizo .. dados/lgpd | i consent'
    }
)
_RESTART = Lexicon(
    {
        True: 'recomecar | recomeca | recomecamos | recomece | comecar/comeca/comecamos/comece/comecemos de novo | '
        'comecar/comeca/comecamos/comece do zero/inicio/comeco | comecar/comeca tudo | do zero | reiniciar | '
        'reinicia | reinicie | reset | resetar | reseta | restart | start over | start again | '
        'zerar | zera tudo | voltar ao inicio/comeco | volta para o? inicio/comeco | empezar de nuevo | nova '
        'conversa | partir do zero | apaga tudo e comeca'
    }
)
_GREETING = Lexicon(
    {
        True: 'oi | oie | oii | oiee | ola | alo | bom dia | boa tarde | boa noite | opa | eae | e ai | eai | iae | '
        'salve | hello | hi | hey | hola | buenas | buenos dias | buenas tardes | good morning | good afternoon | '
        'fala ai | bao | boas | 👋 | tudo bem | tudo bom | dia'
    }
)
_CONSENT_DOUBT = Lexicon(
    {
        True: 'isso e/vai/serve/tem | para que | por que | porque | depende | como assim | o que | quem | onde | qual | nao sei | nao '
        'entendi | vao | voces vendem'
    }
)


def consent(words: Words, topics: frozenset[Topic], *, question: bool) -> bool | None:
    """Return the answer to a consent question that was put, or a revocation at any time."""
    if _REVOKED.within(words):
        return False
    if 'consent' not in topics or not question:
        return True if _GRANTED.within(words) and not _is_question(words) else None
    answer = leading_answer(words)
    if answer is None:
        if _GRANTED.within(words) or _SURE.within(words):
            return True
        return False if _UNSURE.within(words) else None
    if _is_question(words) and _CONSENT_DOUBT.within(words) and answer:
        return None
    return answer


_SURE = Lexicon(
    {
        True: 'autorizo | concordo | aceito | pode usar | pode sim | pode registrar | tudo bem | esta autorizado | '
        'estou de acordo | de acordo | sem problema* | nenhum problema | consinto | eu topo | pode ⏎'
    }
)
_UNSURE = Lexicon(
    {
        True: 'nao autorizo | nao aceito | nao concordo | nao quero | prefiro nao | prefiro que nao | melhor nao | '
        'nao permito | nao gostaria | nao dou'
    }
)


def person(words: Words, topics: frozenset[Topic]) -> bool | None:
    """Return `True` when a person is asked for, `False` when that is taken back."""
    about = _NO_PERSON.find(words)
    found = [
        hit
        for hit in _PERSON.find(words)
        if not any(hit.start < other.end and other.start < hit.end for other in about)
    ]
    if found:
        return found[-1].value
    if about:
        return None
    if _CALLED_OFF.at(words, 0):
        return False
    if len(words) <= _CALL and _PEOPLE_ALONE.within(words):
        return True
    if not topics and _ANYBODY.at(words, 0):
        return True
    if 'person' not in topics or topics & {'consent'}:
        return None
    if _CANCEL.at(words, 0):
        return False
    answer = answer_to_proposal(words)
    if answer is None and _WELCOME.at(words, 0):
        return True
    if answer is True and topics & {'brands', 'body', 'budget', 'city', 'use', 'car'} and len(words) > 4:
        return None
    return answer


_ANYBODY = Lexicon({True: 'uma? pessoa ,? por? favor? ⏎/!/. | tem alguma? pessoa/gente ai/aqui? ?/⏎'})
"""Asks for a person where nothing was asked: how many travel is answered so too."""
_CANCEL = Lexicon({True: 'cancela/cancele/esquece/esqueca ⏎/,/./!'})
# Says yes to "quer que eu chame um consultor?", and to nothing else.
_WELCOME = Lexicon(
    {
        True: 'por favor | prefiro ⏎/,/./! | fico? no? aguardo | chama/chame/manda/mande/liga/passa/pede sim/ai/la? ⏎/,/./! | acho? melhor ⏎/,/./!/sim | agradeco/agradecia | ia/iria/vai ajudar'
    }
)


def opt_out(words: Words, topics: frozenset[Topic]) -> bool | None:
    """Return `True` when no more messages are wanted, `False` when they are wanted again."""
    if topics & {'erasure', 'consent', 'person'}:
        return _OPT_OUT.within(words)  # a bare "cancela" is about that
    if _is_order(words) or (topics <= _NOTHING_ELSE and _ENOUGH.at(words, _after_no(words))):
        return True
    hits = _OPT_OUT.find(words)
    if hits:
        return None if hits[-1].value and _NO_QUESTIONS.within(words) else hits[-1].value
    if 'silenced' in topics and answer_to_proposal(words):
        return False
    return True if 'offers' in topics and leading_answer(words) is False else None


_NOTHING_ELSE: frozenset[Topic] = frozenset({'offers', 'silenced', 'car', 'opt_out'})
"""What an agent may have been at when a bare "chega" is about its messages."""
_ENOUGH = Lexicon(
    {
        True: 'por favor parem/pare/para ⏎ | parem/para/pare/parou/chega/basta ⏎/!/./, | para/pare/parem com isso/essa/esse ⏎/!/. | pode/podem parar ⏎/!/./, | pode/podem parar com isso ⏎/! | chega disso/disto'
    }
)


def _after_no(words: Words) -> int:
    """Return where a turn goes on behind the "não," that it opens with."""
    comma = next((i for i, word in enumerate(words[:4]) if word.text == ','), None)
    return comma + 1 if comma is not None and leading_answer(words) is False and comma + 1 < len(words) else 0


def _is_order(words: Words) -> bool:
    """Return whether a message, or a part of it set off in capitals, is one of the opt-out words."""
    parts: list[list[str]] = [[]]
    raws: list[str] = []
    for word in words:
        if word.text == END:
            if len(parts[-1]) == 1 and parts[-1][0] in _OPT_OUT_WORDS:
                return True
            parts.append([])
        elif any(char.isalnum() for char in word.text) and word.text not in ('por', 'favor'):
            parts[-1].append(word.text)
            raws.append(word.raw)
    return any(raw.isupper() and raw.lower() in _OPT_OUT_WORDS for raw in raws) and not all(
        raw.isupper() for raw in raws
    )


def erasure(words: Words, topics: frozenset[Topic]) -> bool | None:
    """Return `True` when the person's data shall be deleted, `False` when that is taken back."""
    if _ACCESS.within(words):
        return None
    hits = _ERASURE.find(words)
    if hits:
        return hits[-1].value
    if topics & {'consent', 'name', 'other_number'} and _ERASE_THAT.within(words):
        return True
    if 'erasure' not in topics:
        return None
    return False if _KEEP.within(words) else leading_answer(words)


_KEEP = Lexicon(
    {
        True: 'pode/podem? manter/mantem/mantenha/mantenham | deixa como esta | desisto/desisti | pode/podem guardar | cancela/cancele/cancelem'
    }
)
# After the agent named personal data: "então quero que excluam", "tira isso daí".
_ERASE_THAT = Lexicon(
    {
        True: 'apag*/exclu*/delet*/remov*/elimin*/descart*/remove isso/tudo/isto/ai/dai? ai/dai/entao/por/ja/sim/favor? ⏎/,/./!/por | tira/tire/tirem/retira/retirem isso/tudo'
    }
)


def restarts(words: Words) -> bool:
    """Return whether the person wants to begin anew."""
    return _RESTART.within(words) is not None


def greets(words: Words) -> bool:
    """Return whether the turn opens with a greeting."""
    return any(_GREETING.at(words, i) for i in range(len(words)) if i == 0 or words[i - 1].text in (END, ',', '!', '.'))


def _is_question(words: Words) -> bool:
    return any(word.text == '?' for word in words)
