"""Forgetting a person on the command line, and the keys."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import chat, run, talking

ANA = '+5511999990000'


def archived(contact: str, least: int, *place: str) -> int:
    """Wait until the history has that many messages of a contact, and return how many."""
    found = 0
    for _ in range(10):
        found = len(json.loads(run('history', contact, '--json', *place).stdout))
        if found >= least:
            break
    return found


def test_a_person_is_forgotten_with_a_receipt_that_can_be_checked(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    place = ('--data', str(data))
    chat(data, 'oi, meu nome é Josefina Quixabeira', contact=ANA)
    rotated = run('keys', 'rotate', '--retire', *place)
    assert '1 keys were wrapped anew' in rotated.stdout, rotated.stderr
    assert '1 older master keys were removed' in rotated.stdout

    assert archived(ANA, 2, *place) == 2
    planned = json.loads(run('forget', ANA, '--dry-run', '--json', *place).stdout)
    receipt = json.loads(run('forget', ANA, '--json', *place).stdout)

    assert planned['store'] == receipt['store']
    assert planned['history'] == receipt['history']
    assert (planned['keys'], receipt['keys'], receipt['store']['sessions']) == (1, 1, 1)
    assert receipt['history']['message_history'] == 2
    [written] = (data / 'receipts').iterdir()
    assert 'Whole and signed' in run('receipt', 'verify', str(written), *place).stdout
    written.write_text(written.read_text().replace('"keys": 1', '"keys": 2'))
    refused = run('receipt', 'verify', str(written), *place)
    assert (refused.returncode, 'was changed' in refused.stderr) == (1, True)
    assert json.loads(run('history', ANA, '--json', *place).stdout) == []
    said = [path for path in data.rglob('*') if path.is_file() and b'Quixabeira' in path.read_bytes()]
    assert said == []
    assert run('keys', 'check', *place).stdout.startswith('0 keys')


def test_a_person_is_forgotten_while_another_process_holds_the_history(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    place = ('--data', str(data))
    bia = '+5521988887777'
    chat(data, 'oi, meu nome é Josefina Quixabeira', contact=bia)
    with talking(data) as other:
        other.say('quero um SUV', until='?')
        assert archived(bia, 2, *place) == 2
        exported = tmp_path / 'dela.parquet'
        run('history', bia, '--parquet', str(exported), *place)
        assert exported.exists()

        forgotten = run('forget', bia, '--json', *place)

        receipt = json.loads(forgotten.stdout)
        assert (receipt['keys'], receipt['history']['turns'], receipt['exports']) == (1, 1, 1)
        assert not exported.exists()
        assert archived(bia, 0, *place) == 0
        other.say('até 60 mil', until='60')
        other.leave()
    assert archived(ANA, 4, *place) == 4
