"""The session toolset: move the conversation on, call a person, start over, record what is asked of the business."""

from __future__ import annotations

from typing import Any, Literal

from pydantic_ai import FunctionToolset, ModelRetry, RunContext, ToolReturn

from agent_memory.errors import ForbiddenTransition
from agent_memory.session import Request, StateMachine
from agent_memory.tools._actions import add_tool, asks, live_session
from agent_memory.tools._consent import CONSENT_RECORDED, SERVICE, ConsentRules, shown_and_said
from agent_memory.turn import Advance, Ask, HandOver, NotUnderstood, Restart

MAX_REASON = 500
"""Characters of what a model says about a hand-over."""


def session_toolset(states: StateMachine, *, consent: ConsentRules | None = None) -> FunctionToolset[Any]:
    """Return tools over the states of a conversation. A forbidden step goes back to the model with what is allowed."""
    targets = Literal[*sorted(state for state in states.transitions if state != states.handoff)]
    toolset = FunctionToolset[Any](id='session', max_retries=2)

    def check(ctx: RunContext[Any], to: str) -> None:
        session = live_session(ctx)
        if session is None:
            return
        try:
            states.check(session.state, to)
        except ForbiddenTransition as error:
            raise ModelRetry(str(error)) from error

    def advance(ctx: RunContext[Any], to: str) -> ToolReturn[str]:
        """Move the conversation to another state.

        Args:
            ctx: The run.
            to: The state to move to.
        """
        del ctx
        return asks(f'now {to}', Advance(to=to))

    add_tool(toolset, advance, validator=check, to=targets)
    for tool in (hand_to_person, not_understood, restart, record_request):
        add_tool(toolset, tool)
    _add_consent(toolset, consent or ConsentRules())
    return toolset


def _add_consent(toolset: FunctionToolset[Any], rules: ConsentRules) -> None:
    purposes = Literal[*dict.fromkeys((SERVICE, *(one.purpose for one in rules.texts)))]

    def check(ctx: RunContext[Any], given: bool, purpose: str = SERVICE) -> None:
        judged = rules.judge(*shown_and_said(ctx), given=given, purpose=purpose)
        if isinstance(judged, str) and ctx.retry < ctx.max_retries:
            raise ModelRetry(judged)

    def answer_consent(ctx: RunContext[Any], given: bool, purpose: str = SERVICE) -> ToolReturn[str]:
        """Record the person's answer to the text that asked whether their data may be used.

        Args:
            ctx: The run.
            given: Whether they agreed.
            purpose: What for.
        """
        judged = rules.judge(*shown_and_said(ctx), given=given, purpose=purpose)
        return asks(f'not recorded: {judged}') if isinstance(judged, str) else asks(CONSENT_RECORDED, judged)

    def consent_text(ctx: RunContext[Any], purpose: str) -> str:
        """Return the text that asks for consent. Put it into your reply word by word, and record the answer to it.

        Args:
            ctx: The run.
            purpose: What for.
        """
        del ctx
        found = rules.text_for(purpose)
        return found.text if found else 'there is no text for this purpose'

    add_tool(toolset, answer_consent, validator=check, purpose=purposes)
    if rules.texts:
        add_tool(toolset, consent_text, purpose=purposes)


def hand_to_person(ctx: RunContext[Any], reason: str) -> ToolReturn[str]:
    """Give the conversation to a person of the business. After this turn you are silent until they hand it back.

    Args:
        ctx: The run.
        reason: Why, in a few words, for the person who takes over.
    """
    del ctx
    return asks('a person takes over after this reply', Ask(request='person'), HandOver(reason=reason[:MAX_REASON]))


def not_understood(ctx: RunContext[Any]) -> ToolReturn[str]:
    """Record that you cannot tell what the person means. After several in a row a person takes over."""
    del ctx
    return asks('recorded; ask in other words', NotUnderstood())


def restart(ctx: RunContext[Any]) -> ToolReturn[str]:
    """Start over because the person asks for it ("recomecar"): the next message knows nothing of this one."""
    del ctx
    return asks('the next message starts a new conversation', Restart())


def record_request(ctx: RunContext[Any], request: Request, withdrawn: bool = False) -> ToolReturn[str]:
    """Record what the person asks of the business, or that they take it back.

    Args:
        ctx: The run.
        request: `person`: to talk to somebody. `opt_out`: no more messages. `erasure`: that their data is deleted.
            `access`: what is kept of them, what for and who gets it. `correction`: that their data is put right.
            `portability`: their data in a file. `review`: that a person reviews how they were scored.
        withdrawn: Whether they take it back.
    """
    del ctx
    return asks('recorded' if withdrawn else _TOLD.get(request, 'recorded'), Ask(request=request, withdrawn=withdrawn))


_DUE = 'the business answers within 15 days'
_TOLD: dict[Request, str] = {
    'erasure': f'recorded; {_DUE}',
    'access': f'recorded; tell them at once what you know of them, and that {_DUE} in full',
    'correction': f'recorded; correct at once what they say is wrong; {_DUE}',
    'portability': f'recorded; {_DUE}',
    'review': f'recorded; a person reviews it and {_DUE}',
}
"""What a model is to say. A simple answer is due at once, a complete one in 15 days (LGPD, art. 19)."""
