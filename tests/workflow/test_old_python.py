"""xomlib works inside every software image: Python 3.9 or later, and nothing but the standard library."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.jobs import Jobs, Preloaded
from support.pythons import python_3_9
from support.site import document
from xomflow.config.software import Program
from xomflow.core.paths import ROOT
from xomflow.jobs.processes.cold_start import run_cold
from xomflow.jobs.processes.process import ProcessEnd, ProcessSpec
from xomlib.files import read_json

# Nothing that is installed can be found; what is loaded all the same must come from the standard library or from src.
LOADS_EVERYTHING = """
import sys, sysconfig
from pathlib import Path
source = Path(sys.argv[1])
sys.path.append(str(source))
assert not [place for place in sys.path if 'site-packages' in place]
for module in sorted(source.glob('xomlib/**/*.py')):
    __import__('.'.join(module.relative_to(source).with_suffix('').parts).removesuffix('.__init__'))
own = {sysconfig.get_path(name) for name in ('stdlib', 'platstdlib')} | {str(source / 'xomlib')}
own |= {str(Path(place).resolve()) for place in own}
files = {name: getattr(module, '__file__', None) for name, module in sys.modules.items()}
print(sys.version_info[:2])
print([(name, file) for name, file in files.items() if file and not file.startswith(tuple(own))])
print(sorted(name for name in files if name.startswith('xomlib.')))
"""
USES_EVERYTHING = """
xomlib.Xomresult({'variable_name': 'a', 'variable_value': 1.5, 'runid': int(run_id)}, error=0.1, data={'b': 1}).save()
xomlib.Xomresult(variable_name='b', insufficient=xomlib.settings()['why'], unit='Hz').save()
xomlib.figure('overview', b'\\x89PNG\\r\\n\\x1a\\n')
xomlib.xom_message(success=True, text='all of it')
"""
READS_DOCUMENTS = """
import json, sys
from xomlib.documents.run_document import BadDocument, read_run_document
for document in json.load(sys.stdin):
    try:
        print([sorted(one) if isinstance(one, frozenset) else str(one) for one in read_run_document(document)])
    except BadDocument as error:
        print(error)
"""
DOCUMENTS = [
    *(
        document(52001, start={"$date": text}, end=None)
        for text in ("2026-09-01T01:00:00.5Z", "2026-W36-2T03+02", "soon")
    ),
    {**document(52002), "number": {"$numberLong": "52002"}, "tags": ["_messy", {"name": "sr1"}], "rate": None},
    document(52003, end={"$date": "2026-08-31T00:00:00+0000"}),
    document(52004, tags="messy"),
]


@pytest.fixture(params=["that of the tests", "3.9"])
def python(request: pytest.FixtureRequest) -> str:
    return python_3_9() if request.param == "3.9" else sys.executable


@pytest.fixture
def old() -> str:
    return python_3_9()


def test_it_imports_nothing_but_the_standard_library(python: str) -> None:
    command = [python, "-S", "-I", "-c", LOADS_EVERYTHING, str(ROOT / "src")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, strangers, own = done.stdout.splitlines()
    assert version == ("(3, 9)" if python != sys.executable else str(sys.version_info[:2]))
    assert strangers == "[]"
    assert "'xomlib.process.fork_server'" in own
    assert "'xomlib.probe'" in own


@pytest.fixture
def check() -> Callable[[ProcessSpec, ProcessEnd | None], None]:
    """Whether a job did everything that `USES_EVERYTHING` asks for."""

    def right(work: ProcessSpec, end: ProcessEnd | None) -> None:
        assert end == ProcessEnd(0), Path(work.log.name).read_text()
        draft = read_json(work.draft / "draft.json")
        assert [result["value"] for result in draft["results"]] == [1.5, None]
        assert draft["results"][1]["insufficient"] == "too few"
        assert draft["figures"] == ["overview.png"]
        assert draft["messages"] == ["XOM any v1 run 052001: success: all of it"]
        last = read_json(work.draft / "end.json")
        assert last["failure"] is None
        assert last["versions"]["python"].startswith("3.9.")

    return right


def test_a_job_runs_cold_under_python_3_9(tmp_path: Path, old: str, check: Callable[..., None]) -> None:
    with contextlib.closing(Jobs(tmp_path)) as jobs:
        work = jobs.work(USES_EVERYTHING, why="too few")
        check(work, run_cold(replace(work, program=Program(Path(old))), jobs.paths))


def test_a_job_runs_warm_under_python_3_9(
    tmp_path: Path, old: str, check: Callable[..., None], wait_for: Callable[..., None]
) -> None:
    with contextlib.closing(Preloaded(tmp_path, old, 60, "json")) as here:
        wait_for(here.listens)
        work = here.work(USES_EVERYTHING, why="too few")
        check(work, here.start(work))


def test_run_documents_are_read_alike_under_python_3_9(old: str) -> None:
    read = [
        subprocess.run(
            [python, "-c", READS_DOCUMENTS],
            env={"PYTHONPATH": str(ROOT / "src")},
            input=json.dumps(DOCUMENTS),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for python in (old, sys.executable)
    ]
    assert read[0] == read[1]
    assert len(read[0]) == len(DOCUMENTS)


def test_the_probe_answers_under_python_3_9(tmp_path: Path, old: str) -> None:
    module = "class C:\n    storage = _sorted_storage = ()\n    _plugin_class_registry = {'a': 1}\n"
    module += "    def set_context_config(self, options):\n        pass\n"
    module += "    def key_for(self, run, name):\n        return type('K', (), {'lineage_hash': 'aaaaaaaaaa'})\n"
    (tmp_path / "plain.py").write_text(module)
    (tmp_path / "request.json").write_text(json.dumps({"context": {"function": "plain:C"}, "types": ["a", "b"]}))
    done = subprocess.run(
        [old, "-m", "xomlib.probe", "request.json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["hashes"] == {"a": "aaaaaaaaaa"}
    assert answer["without"] == {"b": "it has no data type b"}
