"""The profile toolset: remember, correct, forget. The profile model is the tools' schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic_ai import FunctionToolset, ModelRetry, RunContext, ToolReturn

from agent_memory.errors import InvalidPatch
from agent_memory.profile import Change, Operation, Profile, patch_model
from agent_memory.tools._actions import add_tool, asks
from agent_memory.tools._evidence import Evidence, supported
from agent_memory.turn import PatchProfile


def profile_toolset(profile_type: type[Profile], *, evidence: Evidence | None = None) -> FunctionToolset[Any]:
    """Return tools that record what a person says about themselves, typed by `profile_type`.

    `remember` adds to lists and sets other fields, `correct` replaces, `forget` empties. A value that breaks the
    profile model goes back to the model with what is allowed. The tools change nothing: `SessionMemory` folds what they
    return and commits it with the turn.

    With `evidence`, a value that nothing the person wrote supports goes back to the model too; one that it insists on is
    left out.
    """
    patch = patch_model(profile_type)
    fields = Literal[*profile_type.settable()]
    toolset = FunctionToolset[Any](id='profile', max_retries=2)

    def changes(said: BaseModel, op: Operation) -> list[Change]:
        values = said.model_dump(mode='json', exclude_none=True)
        return [Change(field=name, value=value, op=op) for name, value in values.items()]

    def check(ctx: RunContext[Any], said: BaseModel, op: Operation) -> None:
        asked = changes(said, op)
        if not asked:
            raise ModelRetry('give at least one field that the person stated, or do not call this tool')
        try:
            profile_type().patch(asked)
        except InvalidPatch as error:
            raise ModelRetry(str(error)) from error
        _, complaints = supported(ctx, asked, evidence)
        if complaints and ctx.retry < ctx.max_retries:
            raise ModelRetry(f'{"; ".join(complaints)}. Record only what they wrote, and ask for the rest')

    def record(ctx: RunContext[Any], said: BaseModel, op: Operation) -> ToolReturn[str]:
        kept, complaints = supported(ctx, changes(said, op), evidence)
        done = '; '.join(('recorded' if kept else 'nothing recorded', *complaints))
        return asks(done, PatchProfile(changes=kept)) if kept else asks(done)

    def remember(ctx: RunContext[Any], said: BaseModel) -> ToolReturn[str]:
        """Record what the person just said about themselves. Leave out everything they did not say."""
        return record(ctx, said, 'remember')

    def correct(ctx: RunContext[Any], said: BaseModel) -> ToolReturn[str]:
        """Replace what is known with what the person now says instead. Lists are replaced as a whole."""
        return record(ctx, said, 'correct')

    def forget(ctx: RunContext[Any], names: list[str]) -> ToolReturn[str]:
        """Empty fields that the person takes back without a new value.

        Args:
            ctx: The run.
            names: The fields to empty.
        """
        del ctx
        return asks('forgotten', PatchProfile(changes=[Change(field=name, op='forget') for name in names]))

    # The profile model is the schema: the model sees its fields as the tool's own parameters.
    add_tool(toolset, remember, validator=_validator(check, 'remember'), said=patch)
    add_tool(toolset, correct, validator=_validator(check, 'correct'), said=patch)
    add_tool(toolset, forget, names=list[fields])
    return toolset


def _validator(check: Callable[[RunContext[Any], BaseModel, Operation], None], op: Operation) -> Any:
    def validate(ctx: RunContext[Any], said: BaseModel) -> None:
        check(ctx, said, op)

    return validate
