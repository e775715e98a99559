"""Options that several commands share, as records: a command takes the record, its users see the record's fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from agent_memory.backend._history import Answer, Period


@dataclass(frozen=True)
class During:
    """Which sessions a question is about. Times without a zone are local."""

    since: Annotated[datetime | None, typer.Option(help='Sessions that began at this time or later.')] = None
    until: Annotated[datetime | None, typer.Option(help='Sessions that began before this time.')] = None

    @property
    def period(self) -> Period:
        """The period, in UTC."""
        from agent_memory.backend._history import Period

        return Period(
            since=self.since.astimezone(UTC) if self.since else Period.since,
            until=self.until.astimezone(UTC) if self.until else Period.until,
        )


@dataclass(frozen=True)
class Output:
    """How an answer is shown: as a table unless one of these is asked for."""

    as_json: Annotated[bool, typer.Option('--json', help='Print JSON.')] = False
    as_csv: Annotated[bool, typer.Option('--csv', help='Print CSV.')] = False
    parquet: Annotated[Path | None, typer.Option('--parquet', metavar='FILE', help='Write a Parquet file.')] = None

    def show(self, answer: Answer) -> None:
        """Print or write the answer."""
        from agent_memory.cli import _shown

        if self.parquet:
            _shown.write_parquet(answer, self.parquet)
        elif self.as_json:
            _shown.print_json(answer)
        elif self.as_csv:
            _shown.print_csv(answer)
        else:
            _shown.print_table(answer)


@dataclass(frozen=True)
class Plotted(Output):
    """How an answer that can be drawn is shown."""

    plot: Annotated[bool, typer.Option('--plot', help='Draw bars.')] = False

    def show_bars(self, answer: Answer, *, label: str, of: Sequence[str]) -> None:
        """Print or write the answer; drawn, each row has its `label` and a bar for each of the columns `of`."""
        from agent_memory.cli import _shown

        if self.plot:
            _shown.print_bars(answer, label=label, of=of)
        else:
            self.show(answer)


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the fields of its records as options, and call it with the records."""
    hints = get_type_hints(command, include_extras=True)
    records: dict[str, type[Any]] = {
        name: kind for name, kind in hints.items() if isinstance(kind, type) and is_dataclass(kind)
    }
    seen: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if record := records.get(parameter.name):
            seen += _fields(record)
        else:
            seen.append(parameter.replace(annotation=hints[parameter.name]))

    @wraps(command)
    def called(**given: Any) -> None:
        made = {name: kind(**{one.name: given.pop(one.name) for one in fields(kind)}) for name, kind in records.items()}
        command(**given, **made)

    called.__signature__ = inspect.Signature(seen)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in seen}
    return called


def _fields(record: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(record, include_extras=True)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(one.name, kind, default=one.default, annotation=hints[one.name]) for one in fields(record)
    ]
