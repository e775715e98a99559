"""Slot filling: what is known after each turn against the gold, field by field.

Joint goal accuracy, slot precision, recall and F1 are those of dialogue state tracking (MultiWOZ, SGD); the rules for
alternatives and lists are those of the annotated dialogues that this project began with.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from agent_memory.evals._dialogues import FLAGS, Dialogue, Flag, Gold
from agent_memory.evals._measures import Fault, Judgement, Measure
from agent_memory.evals._transcript import Transcript
from agent_memory.profile import Profile

Normal = Any
"""A value as it is compared: `None` or an empty set is empty, text has neither case nor accents, lists are sets."""


@dataclass(frozen=True)
class Expected:
    """What is right after one turn."""

    gold: Gold | None
    profile: dict[str, JsonValue] | None
    """Every value that differs from an empty profile's; `None` when the fields are not judged."""
    alt: dict[str, list[JsonValue]]
    flags: dict[Flag, bool]
    flags_alt: dict[Flag, list[bool]]


def expectations(dialogue: Dialogue) -> list[Expected]:
    """Return what is right after each turn; of a simulated conversation, after its last."""
    profile: dict[str, JsonValue] | None = dict(dialogue.prior) if dialogue.prior else None
    flags: dict[Flag, bool] = dict.fromkeys(FLAGS, False)
    alt: dict[str, list[JsonValue]] = {}
    found: list[Expected] = []
    steps = [(turn.gold, turn.alt, turn.flags_alt) for turn in dialogue.turns] or [(dialogue.gold, {}, {})]
    for gold, also, flags_also in steps:
        stated: Iterable[str] = ()
        if gold and gold.profile is not None:
            profile, stated = dict(gold.profile), alt
        if gold and gold.changes:
            profile, stated = {**(profile or {}), **gold.changes}, [*stated, *gold.changes]
        # What was accepted of a field stays so until the field is stated again.
        alt = {name: values for name, values in alt.items() if name not in set(stated)} | also
        flags = {**flags, **(gold.flags if gold else {})}
        found.append(Expected(gold, profile, alt, flags, flags_also))
    return found


def normal(value: JsonValue, *, is_list: bool) -> Normal:
    """Return `value` as it is compared."""
    if is_list:
        items = value if isinstance(value, list) else [value]
        return frozenset(one for one in (_normal_item(item) for item in items) if one is not None)
    return _normal_item(value[0] if isinstance(value, list) and value else value)


def _normal_item(value: JsonValue) -> Normal:
    if value is None or value is False or value == []:
        return None
    if isinstance(value, str):
        return fold(value) or None
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value


def fold(text: str) -> str:
    """Return text without case, accents and double spaces."""
    plain = unicodedata.normalize('NFKD', text).encode('ascii', 'ignore').decode().lower().strip()
    return re.sub(r'\s+', ' ', plain)


@dataclass(frozen=True)
class _Match:
    right: int
    wrong: int
    missing: int
    exact: bool


def _matched(accepted: list[Normal], found: Normal, *, is_list: bool) -> _Match:
    """Return how `found` stands to the gold, which comes first, and to what else is accepted."""
    if not is_list:
        if found in accepted:
            return _Match(int(found is not None), 0, 0, True)
        return _Match(0, int(found is not None), int(accepted[0] is not None), False)
    matches = [_Match(len(one & found), len(found - one), len(one - found), one == found) for one in accepted]
    return min(matches, key=lambda match: (match.wrong + match.missing, -match.right))


@dataclass(repr=False)
class SlotFilling(Measure):
    """Judges what is known after each turn."""

    profile: type[Profile]
    slots: tuple[str, ...]

    name = 'profile'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        expected = expectations(dialogue)
        first = 0 if dialogue.turns else len(transcript.turns) - 1
        last = len(transcript.turns)
        for number, (turn, right) in enumerate(zip(transcript.turns[first:], expected, strict=False), start=first + 1):
            if right.gold is None or right.profile is None:
                continue
            self._judge_turn(judged, right, turn.profile, number, is_last=number == last)
        return judged

    def _judge_turn(
        self, judged: Judgement, right: Expected, found: dict[str, JsonValue], number: int, *, is_last: bool
    ) -> None:
        empty, hits = True, 0
        blank = self.profile().values()
        for slot in self.slots:
            is_list = isinstance(blank[slot], list)
            gold = (right.profile or {}).get(slot, blank[slot])
            accepted = [normal(value, is_list=is_list) for value in (gold, *right.alt.get(slot, ()))]
            match = _matched(accepted, normal(found.get(slot, blank[slot]), is_list=is_list), is_list=is_list)
            self._count_slot(judged, slot, match, is_last=is_last)
            if not accepted[0]:
                judged.count('overfill', not match.exact)
                judged.count(f'overfill.{slot}', not match.exact)
            else:
                empty = False
            hits += match.exact
            if not match.exact:
                judged.faults.append(Fault(slot, gold, found.get(slot), number))
        exact = hits == len(self.slots)
        judged.count('slot_accuracy', hits, len(self.slots))
        judged.count('joint_goal_accuracy', exact)
        judged.count(f'joint_goal_accuracy_{"empty" if empty else "nonempty"}', exact)
        if is_last:
            judged.count('joint_goal_accuracy_final', exact)

    def _count_slot(self, judged: Judgement, slot: str, match: _Match, *, is_last: bool) -> None:
        for ending in ('', f'.{slot}', *(('_final', f'_final.{slot}') if is_last else ())):
            judged.count(f'slot_precision{ending}', match.right, match.right + match.wrong)
            judged.count(f'slot_recall{ending}', match.right, match.right + match.missing)
            judged.count(f'slot_f1{ending}', 2 * match.right, 2 * match.right + match.wrong + match.missing)
