"""Backup, restore and retention as an operator does them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from tests.cli.commands import chat, run


def test_a_restored_backup_leaves_out_who_was_erased_since(tmp_path: Path) -> None:
    data, kept, gone = tmp_path / 'data', '+5511999990000', '+5511999990001'
    for contact in (kept, gone):
        chat(data, 'oi, quero um hatch até 60 mil', contact=contact)
    backup = run('backup', str(tmp_path / 'backups'), '--data', str(data)).stdout.strip()
    assert run('forget', gone, '--data', str(data)).returncode == 0
    refused = run('restore', backup, '--data', str(data))
    assert refused.returncode == 1
    assert 'there is a history already' in refused.stderr

    (data / 'history.duckdb').unlink()
    restored = run('restore', backup, '--data', str(data))
    assert restored.returncode == 0, restored.stderr
    assert '1 people who were erased are not in it' in restored.stdout
    with duckdb.connect(data / 'history.duckdb') as connection:
        assert connection.execute('SELECT count(DISTINCT contact_id) FROM message_history').fetchall() == [(1,)]
        noted = [row[0] for row in connection.execute('SELECT action FROM audit ORDER BY seq').fetchall()]
    assert noted[-1] == 'audit_accepted'
    assert len(json.loads(run('history', kept, '--data', str(data), '--json').stdout)) == 2
    assert run('audit', 'verify', '--data', str(data)).returncode == 0


def test_retention_shows_what_would_go_and_then_removes_it(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    chat(data, 'oi, quero um hatch até 60 mil', 'moro em Recife PE')
    rules = ('--keep', 'message_history=0', '--keep', 'turns=30', '--data', str(data), '--json')
    told = json.loads(run('retention', '--dry-run', *rules).stdout)
    expected = [('message_history', 4, 4), ('turns', 0, 2), ('turns.record', 2, 2)]
    assert [(one['table'], one['would_go'], one['of']) for one in told] == expected
    done = json.loads(run('retention', *rules).stdout)
    assert [(one['table'], one['removed'], one['of']) for one in done] == expected

    by_settings = run('retention', '--dry-run', *rules[4:], AGENT_MEMORY_RETAIN_DAYS='{"turns": 0, "facts": 9}')
    assert [(one['table'], one['would_go']) for one in json.loads(by_settings.stdout)] == [
        ('turns', 2),
        ('facts', 0),
        ('turns.record', 0),
    ]


def test_a_rule_that_is_none_is_refused(tmp_path: Path) -> None:
    for rules, said in ((('--keep', 'cars=3'), "'cars=3' is no rule"), ((), 'no rule says how long')):
        refused = run('retention', *rules, '--data', str(tmp_path))
        assert refused.returncode == 1
        assert said in refused.stderr
