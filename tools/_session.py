"""The session toolset: move the conversation on, call a person, start over, record what is asked of the business."""

from __future__ import annotations

from typing import Any, Literal

from pydantic_ai import FunctionToolset, ModelRetry, RunContext, ToolReturn

from agent_memory.errors import ForbiddenTransition
from agent_memory.session import Request, StateMachine
from agent_memory.tools._actions import add_tool, asks, live_session
from agent_memory.turn import Advance, AnswerConsent, Ask, HandOver, Restart


def session_toolset(states: StateMachine) -> FunctionToolset[Any]:
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

    def hand_to_person(ctx: RunContext[Any], reason: str) -> ToolReturn[str]:
        """Give the conversation to a person of the business. After this turn you are silent until they hand it back.

        Args:
            ctx: The run.
            reason: Why, in a few words, for the person who takes over.
        """
        del ctx
        return asks('a person takes over after this reply', Ask(request='person'), HandOver(reason=reason))

    def restart(ctx: RunContext[Any]) -> ToolReturn[str]:
        """Start over because the person asks for it ("recomecar"): the next message knows nothing of this one."""
        del ctx
        return asks('the next message starts a new conversation', Restart())

    def answer_consent(ctx: RunContext[Any], given: bool) -> ToolReturn[str]:
        """Record the person's answer to the question whether their data may be used.

        Args:
            ctx: The run.
            given: Whether they agreed.
        """
        del ctx
        return asks('recorded', AnswerConsent(given=given))

    def record_request(ctx: RunContext[Any], request: Request, withdrawn: bool = False) -> ToolReturn[str]:
        """Record that the person wants a person, no more messages, or their data deleted, or takes that back.

        Args:
            ctx: The run.
            request: What they ask for.
            withdrawn: Whether they take it back.
        """
        del ctx
        return asks('recorded', Ask(request=request, withdrawn=withdrawn))

    add_tool(toolset, advance, validator=check, to=targets)
    for tool in (hand_to_person, restart, answer_consent, record_request):
        add_tool(toolset, tool)
    return toolset
