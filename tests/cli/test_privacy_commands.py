"""What an operator does for a person: show, correct, explain, keep their requests, and prove all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import chat, run

PERSON = '+5511999990000'


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which one contact said who they are and asked for deletion."""
    path = tmp_path_factory.mktemp('privacy') / 'data'
    chat(path, 'oi, sou a Ana <b>Souza</b>', 'quero um SUV até 60 mil, moro em Recife PE', 'apague os meus dados')
    return path


def done(*words: str, data: Path) -> str:
    finished = run(*words, '--data', str(data))
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_an_export_holds_everything_and_can_be_read(data: Path) -> None:
    files = [Path(line) for line in done('export', PERSON, data=data).split()]

    told = json.loads(files[0].read_text())
    assert told['open_session']['profile']['budget_max'] == 60_000
    assert [turn['messages'][0]['text'] for turn in told['turns']][2] == 'apague os meus dados'
    assert {fact['field'] for fact in told['facts']} >= {'budget_max', 'city', 'state'}
    assert [one['kind'] for one in told['requests']] == ['deletion']
    page = files[1].read_text()
    assert 'Recife' in page
    assert 'atendimento: a seu pedido, antes de um contrato' in page
    assert 'novidades por mensagem: só com o seu consentimento' in page
    assert told['purposes'] == {'service': 'contract', 'sharing': 'contract', 'marketing': 'consent'}
    assert '<b>Souza' not in page
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {file.parent for file in files} == {data / 'exports'}
    assert '99999' not in ''.join(map(str, files))


def test_a_correction_is_a_fact_of_the_operator_and_explains_the_score(data: Path) -> None:
    done('correct', PERSON, 'budget_max=75000', 'brands=Fiat, Honda', data=data)

    explained = json.loads(done('explain', PERSON, '--json', data=data))
    by_rule = {part['rule']: part for part in explained['parts']}
    assert any('Recife' in (text or '') for part in by_rule.values() for text in part['said'])
    files = done('export', PERSON, data=data).split()
    profile = json.loads(Path(files[0]).read_text())['open_session']['profile']
    assert (profile['budget_max'], profile['brands']) == (75_000, ['Fiat', 'Honda'])
    assert profile['provenance']['budget_max']['by'] == 'operator'


@pytest.mark.parametrize(
    ('change', 'reason'), [('budget_max', 'field=value'), ('budget_max=-1', 'budget_max'), ('cpf=1', 'not a field')]
)
def test_a_bad_correction_is_one_sentence_and_changes_nothing(data: Path, change: str, reason: str) -> None:
    refused = run('correct', PERSON, change, '--data', str(data))

    assert refused.returncode == 1
    assert reason in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_requests_are_kept_until_they_are_settled_and_everything_is_in_the_audit(data: Path) -> None:
    done('requests', 'open', PERSON, 'access', data=data)
    listed = json.loads(done('requests', 'list', '--json', data=data))
    access = next(one for one in listed if one['kind'] == 'access')
    assert access['opened_by'].startswith('os:')

    done('requests', 'close', str(access['number']), data=data)
    assert run('requests', 'close', str(access['number']), '--data', str(data)).returncode == 1

    notes = json.loads(done('audit', 'list', '--json', data=data))
    assert {one['action'] for one in notes} >= {'request', 'request_opened', 'request_closed', 'requests', 'audit_list'}
    assert 'Ana' not in json.dumps(notes)
    assert 'is the one anchored' in done('audit', 'verify', data=data)


def test_every_reading_of_a_person_is_noted_with_who_and_whose(data: Path, tmp_path: Path) -> None:
    for words in (('history', PERSON), ('leads', '--score', '0'), ('forget', PERSON, '--dry-run')):
        done(*words, data=data)
    done('backup', str(tmp_path), data=data)

    notes = json.loads(done('audit', 'list', '--contact', PERSON, '--json', data=data))
    whose = {one['contact_id'] for one in notes}
    assert len(whose) == 1
    by_operators = {one['action'] for one in notes if one['actor'].startswith('os:')}
    assert by_operators >= {'history', 'leads', 'erasure_planned', 'export', 'explain', 'correct', 'audit_list'}
    assert 'backup' in {one['action'] for one in json.loads(done('audit', 'list', '--json', data=data))}


def test_acl_prints_what_an_administrator_types() -> None:
    printed = run('acl', 'worker', '--prefix', 'loja').stdout
    assert printed.startswith('ACL SETUSER loja-worker on >PASSWORD')
    assert run('acl', 'worker', '--prefix', '*').returncode == 1
