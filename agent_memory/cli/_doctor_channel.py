"""What `doctor` looks at on WhatsApp's side: the settings, the token, the number and the webhook."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx2

from agent_memory.cli._finding import Finding, judged
from agent_memory.whatsapp._graph import Answer, GraphApi, GraphError, Silence
from agent_memory.whatsapp._reading import items, mapping, number, text
from agent_memory.whatsapp._settings import WhatsAppSettings
from agent_memory.whatsapp._signature import HEADER, sign

_PREFIX = 'AGENT_MEMORY_WHATSAPP_'
_SCOPE = 'whatsapp_business_messaging'
_SOON_S = 7 * 86400
_NOTHING = b'{"object":"whatsapp_business_account","entry":[]}'
_APP_SECRET = re.compile(r'[0-9a-f]{32}')


async def channel_findings(
    settings: WhatsAppSettings, http: httpx2.AsyncClient, *, url: str | None
) -> AsyncGenerator[Finding]:
    """Yield what is found of the channel.

    Args:
        settings: How it is set up.
        http: Reaches the Graph API and the webhook.
        url: The webhook as Meta calls it; `None` leaves it out.
    """
    token = settings.token.get_secret_value()
    if not (settings.phone_number_id or token or settings.secrets()):
        needed = ' '.join(f'{_PREFIX}{name}' for name in ('PHONE_NUMBER_ID', 'TOKEN', 'APP_SECRETS', 'VERIFY_TOKEN'))
        yield Finding('whatsapp', 'warn', 'not set up', f'set {needed}')
        return
    yield judged(
        'phone number id',
        settings.phone_number_id or 'missing',
        (
            not settings.phone_number_id.isdecimal(),
            'fail',
            f'set {_PREFIX}PHONE_NUMBER_ID to the digits that Meta shows under API setup, not to the phone number',
        ),
    )
    yield judged(
        'token',
        'set' if token else 'missing',
        (not token, 'fail', f'set {_PREFIX}TOKEN to the token of a system user'),
        (bool(re.search(r'\s', token)), 'fail', f'{_PREFIX}TOKEN has a space or line break in it'),
    )
    yield _app_secrets(settings)
    verify = settings.verify_token.get_secret_value()
    yield judged(
        'verify token',
        'set' if verify else 'missing',
        (not verify, 'fail', f'set {_PREFIX}VERIFY_TOKEN to any text of your own, and type the same at Meta'),
        (len(verify) < 8, 'warn', 'take at least 8 characters: whoever guesses it learns that this is a webhook'),
    )
    if token and settings.phone_number_id.isdecimal():
        api = GraphApi(settings.phone_number_id, settings.token, http, settings.graph_url, settings.graph_version)
        yield await _number(api)
        yield await _token(api, token)
    if url is None:
        yield Finding('webhook', 'warn', 'not asked', 'give --url with the address that Meta calls')
    else:
        async for finding in _webhook(settings, http, url):
            yield finding


def _app_secrets(settings: WhatsAppSettings) -> Finding:
    known = [secret.get_secret_value() for secret in settings.secrets()]
    odd = [one for one in known if not _APP_SECRET.fullmatch(one)]
    return judged(
        'app secrets',
        f'{len(known)} set' if known else 'missing',
        (not known, 'fail', f'set {_PREFIX}APP_SECRETS to the app secret, or to several with commas between them'),
        (bool(odd), 'warn', 'an app secret of Meta has 32 hexadecimal digits; another one signs nothing'),
    )


async def _number(api: GraphApi) -> Finding:
    """Ask for the number: the token may use it, and Meta is content with it."""
    answer = await api.get(f'{api.phone_number_id}?fields=verified_name,quality_rating')
    if not isinstance(answer, Answer):
        return _unanswered('number at Meta', answer)
    quality = text(answer.body.get('quality_rating')) or 'UNKNOWN'
    return judged(
        'number at Meta',
        f'{text(answer.body.get("verified_name")) or "no name"}, quality {quality}',
        (quality == 'RED', 'warn', 'people block or report this number; Meta will limit it'),
        (quality == 'YELLOW', 'warn', 'some people block or report this number'),
    )


async def _token(api: GraphApi, token: str) -> Finding:
    answer = await api.get(f'debug_token?input_token={token}')
    if not isinstance(answer, Answer):
        return _unanswered('token at Meta', answer)
    data = mapping(answer.body.get('data'))
    expires = number(data.get('expires_at')) or 0
    left_s = expires - time.time()
    return judged(
        'token at Meta',
        f'expires in {left_s / 86400:.0f} days' if expires else 'never expires',
        (data.get('is_valid') is not True, 'fail', 'the token is not valid any more; make a new one'),
        (
            _SCOPE not in items(data.get('scopes')),
            'fail',
            f'the token lacks the permission {_SCOPE}: nothing can be sent',
        ),
        (bool(expires) and left_s < _SOON_S, 'warn', 'make a token of a system user, which does not expire'),
    )


def _unanswered(check: str, answer: GraphError | Silence) -> Finding:
    if isinstance(answer, Silence):
        return Finding(check, 'fail', f'no answer ({answer.cause})', 'let this machine reach the Graph API by HTTPS')
    advice = {
        'account': 'the token is refused; make a new one for a system user who may use this number',
        'request': f'no such number for this token; check {_PREFIX}PHONE_NUMBER_ID and {_PREFIX}GRAPH_VERSION',
    }
    said = f'error {answer.code}: {answer.details or answer.meaning}'
    return Finding(check, 'fail', said, advice.get(answer.meaning, 'try again, then look the code up at Meta'))


async def _webhook(settings: WhatsAppSettings, http: httpx2.AsyncClient, url: str) -> AsyncGenerator[Finding]:
    """Call the webhook as Meta does: with the right and with wrong proofs."""
    challenge = secrets.token_hex(8)
    query: dict[str, Any] = {'hub.mode': 'subscribe', 'hub.challenge': challenge}
    verify = settings.verify_token.get_secret_value()
    try:
        shaken = await http.get(url, params={**query, 'hub.verify_token': verify})
        guessed = await http.get(url, params={**query, 'hub.verify_token': f'not {verify}'})
        unsigned = await http.post(url, content=_NOTHING)
        signed = [
            await http.post(url, content=_NOTHING, headers={HEADER: sign(_NOTHING, secret.get_secret_value().encode())})
            for secret in settings.secrets()
        ]
    except httpx2.HTTPError as error:
        yield Finding('webhook', 'fail', f'no answer ({type(error).__name__})', 'start `agent-memory serve` behind it')
        return
    local = httpx2.URL(url).host in ('localhost', '127.0.0.1', '::1')
    yield judged(
        'webhook handshake',
        f'HTTP {shaken.status_code}',
        (shaken.status_code != 200, 'fail', 'the process behind it has another verify token, or is no webhook of ours'),
        (shaken.text != challenge, 'fail', 'something before the webhook changes its answers'),
        (guessed.status_code != 403, 'fail', 'a wrong verify token is accepted: this is no webhook of ours'),
        (not url.startswith('https://') and not local, 'warn', 'Meta calls https addresses only'),
    )
    codes = [answer.status_code for answer in signed]
    yield judged(
        'webhook signature',
        f'HTTP {", ".join(map(str, codes))} signed, {unsigned.status_code} unsigned',
        (unsigned.status_code != 401, 'fail', 'an unsigned delivery is accepted: anyone can write in anyone’s name'),
        (503 in codes, 'fail', 'the webhook cannot store what it is sent; look at its Redis'),
        (any(code != 200 for code in codes), 'fail', 'the process behind it has other app secrets than this one'),
    )
