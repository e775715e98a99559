"""What a user installs: one import name with all its files, and imports that cost only what they need."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ('agent_memory', 'tools', 'agents', 'evals')
SHIPPED = {'.py', '.lua', '.sql', '.yaml', '.csv', '.json', '.jinja'}
HELP = """
import sys
from agent_memory.cli import main
sys.argv = ['agent-memory', '--help']
try:
    main()
except SystemExit as done:
    assert not done.code
"""
HEAVY = ('pydantic_ai', 'duckdb', 'redis', 'openai')


def build(source: Path, target: str, out: Path) -> Path:
    """Build with the project's own backend, in this environment, without the network."""
    command = [sys.executable, '-m', 'hatchling', 'build', '--target', target, '--directory', str(out)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    [built] = out.glob('*.whl' if target == 'wheel' else '*.tar.gz')
    return built


def shipped(wheel: Path) -> set[str]:
    """Return the files of a wheel beside its metadata."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if '.dist-info/' not in name}


def sources() -> set[str]:
    """Return the names under which the files of the four folders must ship."""
    listed = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard', *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip('not a git checkout: an unpacked source distribution cannot say which files belong to it')
    files = {PurePosixPath(name) for name in listed.stdout.splitlines()}
    wanted = {path for path in files if path.suffix in SHIPPED or path.name == 'py.typed'}
    return {str(path if path.parts[0] == 'agent_memory' else 'agent_memory' / path) for path in wanted}


def run(code: str, *path: Path) -> str:
    """Run code in a Python that sees the standard library and `path` only."""
    prelude = f'import sys; sys.path[:0] = {[str(one) for one in path]}\n'
    command = [sys.executable, '-I', '-S', '-c', prelude + code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd='/').stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, 'wheel', tmp_path_factory.mktemp('wheel'))


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but the unpacked wheel, as an installer without dependencies leaves it."""
    target = tmp_path_factory.mktemp('installed')
    zipfile.ZipFile(wheel).extractall(target)
    return target


def test_the_wheel_has_one_import_name_and_every_file_of_the_four_folders(wheel: Path) -> None:
    names = shipped(wheel)

    assert {name.split('/')[0] for name in names} == {'agent_memory'}
    assert sources() <= names
    assert 'agent_memory/py.typed' in names
    assert {'.lua', '.sql', '.csv', '.json'} <= {PurePosixPath(name).suffix for name in names}


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build(ROOT, 'sdist', tmp_path)
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / 'unpacked', filter='data')
    [source] = (tmp_path / 'unpacked').iterdir()

    rebuilt = build(source, 'wheel', tmp_path / 'rebuilt')

    assert shipped(rebuilt) == shipped(wheel)
    for name in shipped(wheel):
        assert zipfile.ZipFile(rebuilt).read(name) == zipfile.ZipFile(wheel).read(name), name


def test_an_installed_wheel_takes_no_common_name(installed: Path) -> None:
    found = run(
        'from importlib.util import find_spec\n'
        "print([name for name in ('agents', 'tools', 'evals', 'tests', 'cli', 'agent_memory') if find_spec(name)])",
        installed,
    )

    assert found.strip() == "['agent_memory']"


def test_an_installed_wheel_reads_its_own_files(installed: Path) -> None:
    found = run(
        'from importlib.resources import files\n'
        "for package in ('backend/lua', 'backend/sql', 'agents/portuguese/data'):\n"
        "    print(len(list(files('agent_memory').joinpath(package).iterdir())) > 0)",
        installed,
    )

    assert found.split() == ['True'] * 3


def test_the_wheel_installs_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith('entry_points.txt')]

    assert 'agent-memory = agent_memory.cli:main' in archive.read(name).decode()


@pytest.mark.parametrize(
    'code',
    [
        'import agent_memory; dir(agent_memory)',
        'from agent_memory import AgentMemoryError, Inbound, Profile, SessionData, StateMachine, UserProfileData',
        HELP,
    ],
    ids=['package', 'models', 'help'],
)
def test_light_imports_leave_the_heavy_packages_alone(code: str) -> None:
    report = f'\nimport sys; print("HEAVY", [name for name in {HEAVY} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code + report], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines()[-1] == 'HEAVY []'
