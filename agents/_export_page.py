"""What a person is given of their own data to read: one page, in Brazilian Portuguese, without anything loaded from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any, cast

from agent_memory.agents._wording import BODIES, PAYMENTS, PRIORITIES, URGENCIES, USES, money

_STYLE = (
    'body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}'
    'h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccc}'
    'table{border-collapse:collapse;width:100%}td,th{padding:.3rem .5rem;border-bottom:1px solid #eee;text-align:left;'
    'vertical-align:top;overflow-wrap:anywhere}th{width:11rem}.user{background:#e7f6e7}.assistant{background:#f3f3f3}'
    '.said{padding:.4rem .7rem;border-radius:.5rem;margin:.3rem 0;white-space:pre-wrap}.at{color:#666;font-size:.8rem}'
)
_WORDS = {
    'name': 'Nome', 'budget_min': 'Valor mínimo', 'budget_max': 'Valor máximo', 'main_use': 'Uso principal',
    'city': 'Cidade', 'state': 'Estado', 'priorities': 'Prioridades', 'brands': 'Marcas', 'excluded_brands': 'Marcas recusadas',
    'body_types': 'Tipos de carro', 'urgency': 'Prazo', 'payment': 'Pagamento', 'trade_in': 'Carro na troca',
    'service': 'atendimento', 'sharing': 'compartilhamento com a loja', 'marketing': 'novidades por mensagem',
    'given': 'aceito', 'refused': 'recusado', 'revoked': 'retirado',
    'access': 'acesso', 'correction': 'correção', 'deletion': 'exclusão', 'portability': 'portabilidade',
    'revocation': 'revogação', 'review': 'revisão por uma pessoa', 'opened': 'aberto', 'done': 'atendido', 'withdrawn': 'retirado',
    'user': 'Você', 'assistant': 'Loja', 'system': 'Sistema', 'contact': 'você', 'agent': 'assistente virtual',
    'request': 'pedido feito na conversa', 'handoff': 'conversa passada a uma pessoa', 'handback': 'conversa devolvida ao assistente',
    'consent': 'consentimento', 'history': 'leitura da conversa', 'leads': 'leitura da lista de interessados',
    'export': 'exportação', 'explain': 'leitura da pontuação', 'erasure': 'exclusão', 'retention': 'exclusão por prazo',
    'correct': 'correção', 'requests': 'leitura dos pedidos', 'erasure_planned': 'prévia de exclusão',
    'audit_list': 'leitura do registro de acessos', 'merge read': 'leitura para junção de cadastros', 'keep apart': 'cadastros mantidos separados',
    'reply read': 'leitura de uma resposta não entregue', 'mute': 'assistente silenciado', 'unmute': 'assistente reativado',
    'legitimate_interest': 'legítimo interesse', 'contract': 'a seu pedido, antes de um contrato', 'legal_duty': 'obrigação legal',
    'merge': 'junção de cadastros', 'request_opened': 'pedido registrado', 'request_closed': 'pedido encerrado',
    **BODIES, **PAYMENTS, **PRIORITIES, **URGENCIES, **USES,
}  # fmt: skip

_MONEY = ('budget_min', 'budget_max')


def export_page(data: dict[str, Any], *, at: str) -> str:
    """Return the page of an export; `data` is that of a `Dossier`."""
    session: dict[str, Any] = data.get('open_session') or {}
    profile: dict[str, Any] = session.get('profile') or {}
    known = {name: value for name, value in profile.items() if name not in ('provenance', 'interactions') and value}
    parts = [
        _table('O que sabemos de você', [(name, _text(name, value)) for name, value in known.items()]),
        _list('Para que usamos os seus dados', [f'{_word(purpose)}: {_basis(basis)}' for purpose, basis in data['purposes'].items()]),
        _list(
            'Quem recebeu os seus dados',
            [f'{_day(one["at"])}: uma pessoa da loja, para continuar a conversa' for one in data['events'] if one['kind'] == 'handoff'],
        ),
        _list('Consentimentos', [f'{_word(one["purpose"])}: {_word(one["action"])} em {_day(one["time"])}' for one in data['consents']]),
        _list(
            'Pedidos',
            [
                f'Nº {one["number"]}, {_word(one["kind"])}: {_word(one["step"])}, prazo {_day(one["due"])}'
                for one in data['requests']
            ],
        ),
        _list('Quem consultou os seus dados', [f'{_day(one["stamp"])}: {_word(one["action"])} ({_word(one["actor"])})' for one in data['audit']]),
        '<h2>Conversa</h2>' + (''.join(_said(turn) for turn in data['turns']) or '<p>Nada guardado.</p>'),
    ]  # fmt: skip
    body = ''.join(parts)
    return (
        f'<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><title>Seus dados</title><style>{_STYLE}</style>'
        f'</head><body><h1>Os seus dados</h1><p>Tudo o que guardamos de você, em {escape(_day(at))}. '
        f'O arquivo JSON que acompanha esta página tem cada detalhe.</p>{body}</body></html>\n'
    )


def _basis(basis: str) -> str:
    return 'só com o seu consentimento' if basis == 'consent' else _word(basis)


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    cells = ''.join(f'<tr><th>{escape(_word(name))}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f'<h2>{title}</h2>' + (f'<table>{cells}</table>' if rows else '<p>Nada guardado.</p>')


def _list(title: str, lines: list[str]) -> str:
    items = ''.join(f'<li>{escape(line)}</li>' for line in lines)
    return f'<h2>{title}</h2>' + (f'<ul>{items}</ul>' if lines else '<p>Nada guardado.</p>')


def _said(turn: dict[str, Any]) -> str:
    lines = [('user', one['text'], one['at']) for one in turn['messages']]
    lines += [('assistant', turn['reply'], turn['at'])] if turn.get('reply') else []
    lines += [(one['role'], one['content'], one['at']) for one in turn.get('said', ())]
    return ''.join(
        f'<div class="said {escape(role)}"><div class="at">{escape(_word(role))}, {escape(_day(at))}</div>{escape(text)}</div>'
        for role, text, at in lines
    )


def _word(name: Any) -> str:
    return _WORDS.get(str(name), str(name))


def _text(field: str, value: Any) -> str:
    if field in _MONEY and isinstance(value, int):
        return money(value)
    if field == 'state':
        return str(value)
    return ', '.join(map(_word, cast('list[Any]', value))) if isinstance(value, list) else _word(value)


def _day(value: Any) -> str:
    text = str(value)
    return f'{text[8:10]}/{text[5:7]}/{text[:4]} {text[11:16]} UTC'
