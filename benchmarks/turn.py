"""What a turn costs with every guarantee on: `python -m benchmarks.turn [--quick] [--json] [--profile]`.

Starts its own server. No model runs: a turn is `manager.turn(...)`, one profile change and its commit.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
from dataclasses import asdict, dataclass
from typing import Any

import anyio

from benchmarks import many, sealing, single
from benchmarks.workload import machine, managed, one_turn, server

HISTORIES = (0, 10, 50, 200)


@dataclass(frozen=True)
class Target:
    """A figure that must hold."""

    name: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


async def run(*, quick: bool) -> dict[str, Any]:
    """Measure everything and return it as JSON values."""
    async with server() as one:
        rows = [await single.measure(one.url, history, contacts=20 if quick else 100) for history in HISTORIES]
        rate = await many.throughput(one.url, seconds=1 if quick else 4)
        handover = await many.handover(one.url, turns=50 if quick else 300)
        losses = await many.losses(one.url, contacts=5 if quick else 20)
        sealed = await sealing.measure(one.url, turns=200 if quick else 2000)
        growth = await many.growth(one.url, (1, 10, 100, 1000) if quick else (1, 10, 100, 1000, 10_000))
    targets = [
        *_targets({row.history: row for row in rows}, rate, handover.p50),
        Target('share of sealing in a turn', sealed.share, 0.05),
    ]
    return {
        'machine': machine(),
        'turn': [row.as_dict() for row in rows],
        'throughput': asdict(rate),
        'handover_us': asdict(handover),
        'sealing': asdict(sealed),
        'losses': [asdict(loss) for loss in losses],
        'growth': [asdict(step) for step in growth],
        'targets': [{**asdict(target), 'met': target.met} for target in targets],
    }


def _targets(rows: dict[int, single.Single], rate: many.Rate, handover_us: float) -> list[Target]:
    return [
        Target('p50 at 50 messages / two bare EVALSHA', rows[50].to_pair, 1.5),
        # In bare pairs of the same minutes: the rows are measured one after the other, and a machine has its moods.
        Target('p50 at 200 messages / p50 at 10', round(rows[200].to_pair / rows[10].to_pair, 2), 1.1),
        Target('round trips', max(row.round_trips for row in rows.values()), 2),
        Target('bytes written a turn', max(row.bytes_up for row in rows.values()), 2_560),
        Target('bytes stored at 200 messages', rows[200].stored, 51_200),
        Target('turns/s at 16 contacts, or all that bare calls allow', rate.turns, min(3_000, rate.pairs / 1.5), True),
        Target('hand-over p50, us', handover_us, 5_000),
    ]


def show(result: dict[str, Any]) -> None:
    print('machine:', ', '.join(f'{name} {value}' for name, value in result['machine'].items()))
    print(
        '\none turn, us                  p50/p99 of               /pair  client  pair    server  script  trips  up     appended  stored'
    )
    print(
        'history  turn         2 EVALSHA    2 GET        seed-style          CPU     CPU     CPU     time           B      B         B'
    )
    for row in result['turn']:
        cells = [f'{row[name]["p50"]:.0f}/{row[name]["p99"]:.0f}' for name in ('turn', 'pair', 'gets', 'seed')]
        print(f'{row["history"]:7}  ' + ''.join(f'{cell:13}' for cell in cells), end='')
        costs = ('client_us', 'pair_client_us', 'server_us', 'script_us')
        print(f'{row["to_pair"]:<7}' + ''.join(f'{row[name]:<8.0f}' for name in costs), end='')
        print(f'{row["round_trips"]:<7.2f}{row["bytes_up"]:<7}{row["appended"]:<10}{row["stored"]}')
    rate = result['throughput']
    print(f'\n16 contacts, one process: {rate["turns"]:.0f} turns/s, bare pairs {rate["pairs"]:.0f}/s')
    print(
        f'hand-over between waiters: p50 {result["handover_us"]["p50"]:.0f} us, p99 {result["handover_us"]["p99"]:.0f} us'
    )
    sealed = result['sealing']
    print(
        f'sealing: {sealed["seals"]:.0f} blobs a turn, {sealed["seal_us"]:.1f} of {sealed["turn_p50_us"]:.0f} us ({sealed["share"]:.1%})'
    )
    for loss in result['losses']:
        print(
            f'{loss["design"]}: {loss["sent"]} messages sent at once and twice, {loss["kept"]} kept, {loss["twice"]} twice'
        )
    for step in result['growth']:
        print(f'{step["open"]:6} open sessions: turn p50 {step["turn"]["p50"]:.0f} us, {step["stored"]} B a session')
    print()
    for target in result['targets']:
        sign = '>=' if target['at_least'] else '<='
        print(
            f'{"met   " if target["met"] else "MISSED"} {target["name"]}: {target["measured"]} ({sign} {target["limit"]:.6g})'
        )


async def profile(turns: int = 500) -> str:
    """Return where the time of a turn goes, by function."""
    async with server() as one, managed(one.url) as manager:
        for number in range(50):
            await one_turn(manager, 1, number)
        with cProfile.Profile() as profiler:
            for number in range(50, 50 + turns):
                await one_turn(manager, 1, number)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats('tottime').print_stats(30)
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='fewer turns and contacts')
    parser.add_argument('--json', action='store_true', help='print everything as JSON')
    parser.add_argument(
        '--profile', action='store_true', help='profile the turn instead; always shown when a target is missed'
    )
    options = parser.parse_args()
    if options.profile:
        print(anyio.run(profile))
        return
    result = anyio.run(lambda: run(quick=options.quick))
    if not all(target['met'] for target in result['targets']):
        result['profile'] = anyio.run(profile)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    show(result)
    print(result.get('profile', ''))


if __name__ == '__main__':
    main()
