"""What the command line tells of the history, as a dealership asks it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from tests.cli.commands import chat, run


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which one contact said two things."""
    path = tmp_path_factory.mktemp('history') / 'data'
    chat(path, 'oi, quero um hatch até 60 mil', 'moro em Recife PE')
    return path


def test_history_shows_the_conversation(data: Path) -> None:
    done = run('history', '+5511999990000', '--data', str(data), '--json')
    lines = json.loads(done.stdout)
    assert [line['role'] for line in lines] == ['user', 'assistant', 'user', 'assistant']
    assert lines[2]['content'] == 'moro em Recife PE'


def test_history_shows_the_sessions(data: Path) -> None:
    [session] = json.loads(run('history', '+5511999990000', '--sessions', '--data', str(data), '--json').stdout)
    assert (session['reason'], session['state'], session['said']) == ('open', 'collecting_profile', 2)


def test_funnel_is_a_table_json_bars_and_parquet(data: Path, tmp_path: Path) -> None:
    [state] = json.loads(run('funnel', '--data', str(data), '--json').stdout)
    assert (state['state'], state['reached'], state['ended']) == ('collecting_profile', 1, 0)
    bars = run('funnel', '--data', str(data), '--plot').stdout.splitlines()
    assert [(line.split()[-3], '█' in line) for line in bars[:1]] == [('reached', True)]
    assert [(line.split()[0], '█' in line) for line in bars[1:]] == [('ended', False)]
    done = run('funnel', '--data', str(data), '--parquet', str(tmp_path / 'funnel.parquet'))
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(tmp_path / 'funnel.parquet')).fetchall()
    assert found == [tuple(state.values())]


def test_a_report_tells_where_leads_come_from_and_what_was_asked(data: Path) -> None:
    [source] = json.loads(run('report', 'sources', '--data', str(data), '--json').stdout)
    assert (source['source'], source['sessions']) == ('direct', 1)
    fields = json.loads(run('report', 'fields', '--data', str(data), '--json').stdout)
    assert sum(row['asked_times'] for row in fields) > 0


def test_leads_are_those_above_the_score(data: Path) -> None:
    [lead] = csv.DictReader(io.StringIO(run('leads', '--score', '10', '--data', str(data), '--csv').stdout))
    assert lead['state'] == 'collecting_profile'
    assert json.loads(lead['profile']) == {
        'budget_max': 60000,
        'city': 'Recife',
        'state': 'PE',
        'body_types': ['hatch'],
    }
    assert 'facts' not in lead
    [told] = json.loads(run('leads', '--score', '10', '--data', str(data), '--json').stdout)
    assert told['profile']['city'] == 'Recife'
    assert run('leads', '--score', '99', '--data', str(data), '--csv').stdout.splitlines()[1:] == []


def test_a_backup_names_its_file_and_a_failure_is_one_sentence(data: Path, tmp_path: Path) -> None:
    done = run('backup', str(tmp_path), '--data', str(data))
    assert Path(done.stdout.strip()).is_file()
    (tmp_path / 'file').touch()
    refused = run('backup', str(tmp_path / 'file'), '--data', str(data))
    assert refused.returncode == 1
    assert refused.stderr.startswith('agent-memory: ')
    assert len(refused.stderr.splitlines()) == 1
