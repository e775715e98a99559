"""What OpenAI's two endpoints and a compatible server answer, as HTTP responses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

RESPONSES = 'https://api.openai.com/v1/responses'
CHAT = 'https://llm.example/v1/chat/completions'
USAGE = {'input_tokens': 900, 'output_tokens': 100, 'total_tokens': 1000}


def says(text: str) -> httpx.Response:
    """A text from the Responses API."""
    content: list[dict[str, Any]] = [{'type': 'output_text', 'text': text, 'annotations': []}]
    return _response(
        [{'type': 'message', 'id': 'msg_1', 'role': 'assistant', 'status': 'completed', 'content': content}]
    )


def refuses() -> httpx.Response:
    content = [{'type': 'refusal', 'refusal': "I can't help with that."}]
    return _response(
        [{'type': 'message', 'id': 'msg_1', 'role': 'assistant', 'status': 'completed', 'content': content}]
    )


def calls(*tools: tuple[str, Any]) -> httpx.Response:
    """Tool calls from the Responses API; arguments that are a string are sent as they are."""
    return _response(
        [
            {
                'type': 'function_call',
                'id': f'fc_{place}',
                'call_id': f'call_{place}',
                'name': name,
                'arguments': given if isinstance(given, str) else json.dumps(given),
                'status': 'completed',
            }
            for place, (name, given) in enumerate(tools)
        ]
    )


def fails(status: int, code: str = 'server_error', **headers: str) -> httpx.Response:
    error = {'error': {'message': code, 'type': code, 'code': code}}
    return httpx.Response(
        status, json=error, headers={name.replace('_', '-'): value for name, value in headers.items()}
    )


def chat_says(text: str) -> httpx.Response:
    """A text from a Chat Completions server."""
    return _completion({'role': 'assistant', 'content': text})


def chat_refuses() -> httpx.Response:
    return _completion({'role': 'assistant', 'content': None, 'refusal': "I can't help with that."})


def chat_calls(*tools: tuple[str, Any]) -> httpx.Response:
    """Tool calls from a Chat Completions server; arguments that are a string are sent as they are."""
    made = [
        {
            'id': f'call_{place}',
            'type': 'function',
            'function': {'name': name, 'arguments': given if isinstance(given, str) else json.dumps(given)},
        }
        for place, (name, given) in enumerate(tools)
    ]
    return _completion({'role': 'assistant', 'content': None, 'tool_calls': made}, finish='tool_calls')


def chat_streams(text: str) -> httpx.Response:
    """A text as a stream of Chat Completions."""
    pieces: list[dict[str, Any]] = [
        {'role': 'assistant', 'content': ''},
        {'content': text[:5]},
        {'content': text[5:]},
        {},
    ]
    chunks: list[dict[str, Any]] = [
        {
            **_COMPLETION,
            'object': 'chat.completion.chunk',
            'choices': [{'index': 0, 'delta': piece, 'finish_reason': None if piece else 'stop'}],
        }
        for piece in pieces
    ]
    lines = ''.join(f'data: {json.dumps(chunk)}\n\n' for chunk in chunks) + 'data: [DONE]\n\n'
    return httpx.Response(200, text=lines, headers={'content-type': 'text/event-stream'})


def streams(text: str) -> httpx.Response:
    """A text as a stream of the Responses API."""
    done = json.loads(says(text).content)
    item = done['output'][0]
    begun: dict[str, Any] = {**done, 'status': 'in_progress', 'output': []}
    where: dict[str, Any] = {'item_id': 'msg_1', 'output_index': 0, 'content_index': 0}
    events: list[dict[str, Any]] = [
        {'type': 'response.created', 'response': begun},
        {'type': 'response.output_item.added', 'output_index': 0, 'item': {**item, 'content': []}},
        {
            'type': 'response.content_part.added',
            **where,
            'part': {'type': 'output_text', 'text': '', 'annotations': []},
        },
        *(
            {'type': 'response.output_text.delta', **where, 'delta': piece, 'logprobs': []}
            for piece in (text[:5], text[5:])
        ),
        {'type': 'response.output_item.done', 'output_index': 0, 'item': item},
        {'type': 'response.completed', 'response': done},
    ]
    lines = ''.join(
        f'event: {event["type"]}\ndata: {json.dumps({**event, "sequence_number": number})}\n\n'
        for number, event in enumerate(events)
    )
    return httpx.Response(200, text=lines, headers={'content-type': 'text/event-stream'})


def _response(output: list[dict[str, Any]]) -> httpx.Response:
    usage = {**USAGE, 'input_tokens_details': {'cached_tokens': 0}, 'output_tokens_details': {'reasoning_tokens': 0}}
    body = {
        'id': 'resp_1',
        'object': 'response',
        'created_at': 1_760_000_000,
        'model': 'gpt-5.2',
        'status': 'completed',
        'output': output,
        'parallel_tool_calls': True,
        'tool_choice': 'auto',
        'tools': [],
        'usage': usage,
    }
    return httpx.Response(200, json=body)


_COMPLETION: dict[str, Any] = {'id': 'c1', 'object': 'chat.completion', 'created': 1_760_000_000, 'model': 'gpt-5.2'}


def _completion(message: dict[str, Any], finish: str = 'stop') -> httpx.Response:
    usage = {'prompt_tokens': 900, 'completion_tokens': 100, 'total_tokens': 1000}
    choice = {'index': 0, 'finish_reason': finish, 'message': message}
    return httpx.Response(200, json={**_COMPLETION, 'choices': [choice], 'usage': usage})


@dataclass(frozen=True)
class Api:
    """One of OpenAI's two endpoints, and what it answers."""

    model: str
    url: str
    says: Callable[[str], httpx.Response]
    calls: Callable[..., httpx.Response]
    refuses: Callable[[], httpx.Response]
    streams: Callable[[str], httpx.Response]
    told: str
    """Where a request has what was said and done so far."""
    tool_result: dict[str, str]
    """What tells the result of a tool among it."""


RESPONSES_API = Api(
    'openai-responses:gpt-5.2', RESPONSES, says, calls, refuses, streams, 'input', {'type': 'function_call_output'}
)
CHAT_API = Api(
    'openai-chat:gpt-5.2',
    'https://api.openai.com/v1/chat/completions',
    chat_says,
    chat_calls,
    chat_refuses,
    chat_streams,
    'messages',
    {'role': 'tool'},
)
