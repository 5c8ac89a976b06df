"""A script tried by hand says what a tick says, on standard output and nothing else, and mistakes are one sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support import fake_strax
from support import mini as mini_set
from support.by_hand import try_script
from support.factory import result
from support.in_fork import in_fork
from support.in_process import FastSite
from support.pythons import python_3_9
from support.site import Site, document
from xomflow.cli import main as xom
from xomflow.core.key import group_id
from xomflow.core.paths import ROOT, analysis_script
from xomflow.rundb.run import run_of

Result = subprocess.CompletedProcess[str]


# --- a real analysis --------------------------------------------------------------------------------------------------
class Both(NamedTuple):
    """A run analysed by a tick and by hand."""

    tick: dict[str, Any]
    hand: Result
    site: Site


@pytest.fixture(scope="module")
def both(mini: Path, straxen_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    site = FastSite(tmp_path_factory.mktemp("by_hand"))
    mini_set.point(site, mini, straxen_python)
    site.tree["selection"] = {"min_run": 52801, "max_run": 52801}
    site.tree["analyses"] = {"event_rate": mini_set.tree(mini, straxen_python)["analyses"]["event_rate"]}
    tick = site.tick()
    assert tick.returncode == 0, tick.stderr
    return Both(
        site.outcome("event_rate", 52801, "v5"), by_hand(straxen_python, site, "052801", "--save", "saved"), site
    )


def by_hand(python: Path, site: Site, *arguments: str) -> Result:
    config = str(site.folder / "config.yaml")
    return mini_set.run(python, str(analysis_script("event_rate")), *arguments, "--config", config, folder=site.folder)


@pytest.mark.slow
def test_by_hand_the_results_are_those_of_the_tick(both: Both) -> None:
    assert both.hand.returncode == 0, both.hand.stderr
    said = json.loads(both.hand.stdout)
    assert {name: said[name] for name in ("key", "results", "figures")} == {
        name: both.tick[name] for name in ("key", "results", "figures")
    }
    assert said["messages"] == [both.tick["message"]]
    assert len(said["results"]) == 9


@pytest.mark.slow
def test_by_hand_what_is_printed_is_saved_with_the_figures(both: Both) -> None:
    place = both.site.folder / "saved" / "event_rate-052801"
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*.*")) == [
        "figures/overview.png",
        "results.json",
    ]
    assert json.loads((place / "results.json").read_text()) == json.loads(both.hand.stdout)
    own = (place / "figures/overview.png").read_bytes()
    assert own.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_run_that_is_not_there_is_one_sentence(both: Both, straxen_python: Path) -> None:
    done = by_hand(straxen_python, both.site, "052999")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("event_rate.py: veto_intervals of run 052999 cannot be read")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


# --- the same process as in a tick ------------------------------------------------------------------------------------
TELLS = """
import json, os, resource, sys
import xomlib

def main(run_id):
    told = {"environment": dict(os.environ), "path": sys.path, "name": __name__, "argv": sys.argv[1:]}
    told |= {"session": os.getsid(0) == os.getpid(), "data": resource.getrlimit(resource.RLIMIT_DATA)}
    told |= {"files": os.listdir(), "umask": os.umask(0)}
    told |= {"input": os.stat(0).st_rdev, "run": xomlib.run(), "module": sys.modules["__main__"].__file__}
    open("left behind", "w").close()
    xomlib.figure("drawn", b"\\x89PNG\\r\\n\\x1a\\n")
    xomlib.Xomresult(variable_name="x", variable_value=1, data={"told": json.dumps(told)}).save()

if __name__ == "__main__":
    xomlib.cli(main)
"""


def test_a_script_sees_by_hand_what_it_sees_in_a_tick(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    site.analysis("tells", "pass", memory_mb=700)
    script = site.folder / "extra/scripts/analyses/tells.py"
    script.write_text(TELLS)
    assert site.tick().returncode == 0
    before = set(site.folder.iterdir())
    odd = {"PYTHONPATH": f"/somewhere:{ROOT / 'src'}", "MPLBACKEND": "TkAgg", "OMP_NUM_THREADS": "7", "MINE": "x"}
    done = subprocess.run(
        [sys.executable, script, "52001"],
        cwd=site.folder,
        env={**os.environ, **odd},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(site.folder.iterdir()) == before
    ways = (site.outcome("tells", 52001), json.loads(done.stdout))
    assert [one["figures"] for one in ways] == [["drawn.png"]] * 2
    tick, hand = (json.loads(one["results"][0]["data"]["told"]) for one in ways)
    for told in (tick, hand):
        for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "_XOM_JOB"):
            assert told["environment"].pop(name)
    assert hand == tick
    assert (tick["files"], tick["session"], tick["name"]) == ([], True, "__mp_main__")
    assert tick["data"][0] == 700 * 2**20


ENDS: dict[str, tuple[str, str, str]] = {
    "too much memory": ("x = bytearray(3_000_000_000)", "out_of_memory", "ends.py: MemoryError"),
    "too slow": ("import time; time.sleep(600)", "timeout", "ends.py: it ran longer than its time limit of 3 s"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "killed", "ends.py: the process was ended by SIGKILL"),
    "no report": ("import os; os._exit(0)", "killed", "ends.py: the process ended without a report"),
    "exit": ("import sys; sys.exit('no')", "raised", "ends.py: the script ended itself with exit status no"),
    "no success": ("xomlib.xom_message(success=False, text='no fit')", "bad_result", "ends.py: the script reported no"),
}


def test_by_hand_a_type_that_needs_lacks_is_named(hand: Hand) -> None:
    (hand.folder / "strax").mkdir()
    shutil.copy(fake_strax.__file__, hand.folder / "strax/__init__.py")
    (hand.folder / "052001-events-abcdefghij").write_text("one two")
    hand.script("reads", f"import strax\nlist(strax.Context({str(hand.folder)!r}).get_iter(run_id, 'events'))\n{GOOD}")
    done = hand.run("reads", "052001")
    warning = "warning: the script reads events, which analyses.reads.needs lacks: add it, so that runs wait for it"
    assert done.stderr == f"{warning}\n"
    assert json.loads(done.stdout)["messages"] == [warning]
    absent = hand.run("reads", "052002")
    assert absent.stderr == "reads.py: needs lacks events, which the script reads: events is nowhere\n"


def test_a_script_fails_by_hand_as_it_fails_in_a_tick(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs(range(52001, 52001 + len(ENDS)))
    bodies = [f"if run_id == '{52001 + index:06d}':\n    {one[0]}" for index, one in enumerate(ENDS.values())]
    site.analysis("ends", "\n".join([*bodies, GOOD]), memory_mb=700, time_limit="3 s")
    script = site.folder / "extra/scripts/analyses/ends.py"
    script.write_text(script.read_text() + "\nif __name__ == '__main__':\n    xomlib.cli(main)\n")
    site.tick()
    wrong = {}
    for number, (name, (_, kind, sentence)) in enumerate(ENDS.items(), 52001):
        (record,) = site.failures("ends", number)
        done = try_script([str(script), str(number)], site.folder, {"PYTHONPATH": str(ROOT / "src")})
        last = done.stderr.splitlines()[-1]
        if record["failure"]["class"] != kind or done.returncode != 1 or not last.startswith(sentence):
            wrong[name] = (record["failure"], done.stderr)
    assert wrong == {}


# --- everything else needs no strax -----------------------------------------------------------------------------------
class Hand:
    """A script in a folder with a configuration, for the interpreter of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree: dict[str, Any] = {
            "work": "work",
            "rundb": {"kind": "file", "file": "runs.jsonl"},
            "context": {"function": "json:loads"},
            "software": [{"interpreter": "python3"}],
            "analyses": {},
        }

    def script(self, name: str, body: str, **block: Any) -> None:
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        text = f"import xomlib\n\ndef main(run_id):\n{indented}\n\nif __name__ == '__main__':\n    xomlib.cli(main)\n"
        (self.folder / f"{name}.py").write_text(text)
        self.tree["analyses"][name] = {"version": "v1", **block}
        self.write(yaml.safe_dump(self.tree))

    def write(self, text: str) -> None:
        (self.folder / "config.yaml").write_text(text)

    def without(self, *place: str) -> None:
        """Write the configuration without the key at a place."""
        block = self.tree
        for name in place[:-1]:
            block = block[name]
        del block[place[-1]]
        self.write(yaml.safe_dump(self.tree))

    def documents(self, *documents: dict[str, Any], name: str = "runs.jsonl") -> None:
        (self.folder / name).write_text("".join(json.dumps(one) + "\n" for one in documents))

    def describe(self, name: str, run: str) -> None:
        """Write what ``xom job describe`` prints into job.json."""
        done = in_fork(lambda: xom(["job", "describe", name, run]), self.folder)
        assert done.returncode == 0, done.stderr
        (self.folder / "job.json").write_text(done.stdout)

    def run(self, name: str, *arguments: str, python: str = sys.executable) -> Result:
        words = [f"{name}.py", *arguments]
        # `xom` of the tests: an interpreter elsewhere finds none beside it
        variables = {"PYTHONPATH": str(ROOT / "src"), "PATH": str(Path(sys.executable).parent)}
        if python == sys.executable:
            return try_script(words, self.folder, variables)
        return subprocess.run(
            [python, *words], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path)


GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=int(run_id)).save()"
PICTURE = "xomlib.figure('overview', b'\\x89PNG\\r\\n\\x1a\\n of ' + run_id.encode())"


def test_nothing_but_json_is_on_standard_output(hand: Hand) -> None:
    hand.script("loud", f"print('a library prints')\n{GOOD}\nxomlib.xom_message(success=True)")
    done = hand.run("loud", "52001")
    assert json.loads(done.stdout)["results"][0]["value"] == 52001
    assert done.stderr.splitlines() == ["a library prints", "XOM loud v1 run 052001: success"]


def test_nothing_is_written_where_nothing_is_to_be_saved(hand: Hand) -> None:
    hand.script("good", f"{PICTURE}\n{GOOD}")
    before = sorted(hand.folder.rglob("*"))
    assert hand.run("good", "052001").returncode == 0
    assert sorted(hand.folder.rglob("*")) == before


def test_runs_and_analyses_are_saved_beside_each_other(hand: Hand) -> None:
    for name in ("one", "other"):
        hand.script(name, f"{PICTURE}\n{GOOD}")
        for run in ("052001", "052002"):
            assert hand.run(name, run, "--save", "saved").returncode == 0
    saved = {str(path.relative_to(hand.folder / "saved")): path for path in (hand.folder / "saved").rglob("*.*")}
    keys = [f"{name}-{run}" for name in ("one", "other") for run in ("052001", "052002")]
    assert saved.keys() == {f"{key}/{name}" for key in keys for name in ("results.json", "figures/overview.png")}
    assert saved["one-052002/figures/overview.png"].read_bytes() == b"\x89PNG\r\n\x1a\n of 052002"
    assert json.loads(saved["one-052002/results.json"].read_text())["results"][0]["value"] == 52002


def test_the_settings_are_those_of_the_configuration(hand: Hand) -> None:
    body = "xomlib.Xomresult(variable_name='cut', variable_value=xomlib.settings()['cut']).save()"
    hand.script("cuts", body, settings={"cut": 3.5})
    assert json.loads(hand.run("cuts", "052001").stdout)["results"][0]["value"] == 3.5


MISTAKES: dict[str, tuple[str, list[str], Callable[[Hand], object], str]] = {
    "no run id": (GOOD, ["kr83m"], lambda hand: None, "run id 'kr83m' is not a number of at most six digits"),
    "digits of another script": (GOOD, ["٥٢"], lambda hand: None, "run id '٥٢' is not a number"),
    "long run id": (GOOD, ["0052001"], lambda hand: None, "run id '0052001' is not a number of at most six digits"),
    "no configuration": (
        GOOD,
        ["1", "--config", "gone.yaml"],
        lambda hand: None,
        "gone.yaml: cannot be read: No such file or directory",
    ),
    "not YAML": (GOOD, ["1"], lambda hand: hand.write("a: [1"), "config.yaml: is not YAML: while parsing"),
    "empty": (GOOD, ["1"], lambda hand: hand.write(""), "config.yaml: is empty, a configuration with keys is needed"),
    "no block": (
        GOOD,
        ["1"],
        lambda hand: hand.without("analyses", "script"),
        "config.yaml has no analyses.script: add its block first",
    ),
    "no version": (
        GOOD,
        ["1"],
        lambda hand: hand.without("analyses", "script", "version"),
        "config.yaml: analyses.script.version is missing",
    ),
    "no context": (GOOD, ["1"], lambda hand: hand.without("context"), "config.yaml: context is missing"),
    "no campaigns": (
        GOOD,
        ["052001-3f2a"],
        lambda hand: None,
        "052001-3f2a is the id of a campaign, and analyses.script has no period: give a run id",
    ),
    "bad result": (GOOD.replace("int(run_id)", "float('nan')"), ["1"], lambda hand: None, "answer is nan"),
    "bad result that is caught": (
        f"{GOOD}\ntry:\n    {GOOD}\nexcept Exception:\n    pass",
        ["1"],
        lambda hand: None,
        "'answer' is saved twice",
    ),
    "nothing saved": ("pass", ["1"], lambda hand: None, "the script ended well but saved nothing"),
    "broken data": ("raise xomlib.DataBroken('chunk 3 is missing')", ["1"], lambda hand: None, "chunk 3 is missing"),
    "wrong context": ("xomlib.context()", ["1"], lambda hand: None, "context.arguments do not fit json:loads"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence_and_not_zero(hand: Hand, name: str) -> None:
    body, arguments, spoil, words = MISTAKES[name]
    hand.script("script", body)
    spoil(hand)
    done = hand.run("script", *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("script.py: ")
    assert words in line


# --- the run's metadata -----------------------------------------------------------------------------------------------
SAYS = """
run = xomlib.run()
data = {name: run[name] for name in ("mode", "start", "end")} | {"tags": " ".join(run["tags"])}
xomlib.Xomresult(variable_name="mean", variable_value=run["rate"].get("tpc", -1), data=data).save()
"""
FORMS: dict[str, dict[str, Any]] = {
    "parts of a second": {"start": {"$date": "2026-09-01T01:00:00.5Z"}, "end": {"$date": "2026-09-01T01:50:00.19Z"}},
    "an offset": {"start": {"$date": "2026-09-01T03:00:00+0200"}, "end": {"$date": "20260901T035000+0200"}},
    "null": {"tags": None, "rate": None},
    "a long number": {"number": {"$numberLong": "52001"}},
    "tags of both kinds": {"tags": ["_messy", {"name": "sr1", "user": "x"}]},
}  # fmt: skip


@pytest.mark.parametrize("python", [sys.executable, "3.9"], ids=["that of the tests", "3.9"])
def test_a_document_that_a_tick_understands_is_understood_by_hand(hand: Hand, python: str) -> None:
    hand.script("says", SAYS)
    job, wrong = ["--job", "job.json"] if python == "3.9" else [], {}
    for form, changes in FORMS.items():
        one = {**document(52001), **changes}
        hand.documents(one)
        if job:
            hand.describe("says", "052001")
        done = hand.run("says", "052001", *job, python=python_3_9() if python == "3.9" else python)
        expected = run_of(one).as_dict()
        data = {name: expected[name] for name in ("mode", "start", "end")} | {"tags": " ".join(expected["tags"])}
        said = json.loads(done.stdout)["results"][0] if done.returncode == 0 else done.stderr
        if said != result("mean", expected["rate"].get("tpc", -1), data=data, error=None, unit="", n=None):
            wrong[form] = said
    assert wrong == {}


def test_a_file_of_documents_may_be_named(hand: Hand) -> None:
    hand.script("says", SAYS)
    hand.documents(document(52001, mode="other"), name="mine.jsonl")
    done = hand.run("says", "052001", "--documents", "mine.jsonl")
    assert json.loads(done.stdout)["results"][0]["data"]["mode"] == "other"


def test_a_job_that_was_described_elsewhere_needs_no_workflow(hand: Hand) -> None:
    hand.script("says", SAYS)
    hand.documents(document(52001))
    hand.describe("says", "52001")
    (hand.folder / "config.yaml").unlink()
    done = hand.run("says", "52001", "--job", "job.json")
    assert json.loads(done.stdout)["results"][0]["value"] == 20.0
    other = hand.run("says", "52002", "--job", "job.json")
    assert other.stderr == "says.py: job.json describes says for run 052001, not says for run 52002\n"


MISSING: dict[str, tuple[Callable[[Hand], None], str]] = {
    "no file": (lambda hand: None, "rundb.file: runs.jsonl cannot be read: No such file or directory"),
    "no document": (lambda hand: hand.documents(document(52002)), "runs.jsonl has no document of run 52001: give -"),
    "a bad document": (
        lambda hand: hand.documents(document(52001, start="yesterday")),
        "run document 52001: start is 'yesterday', a time is needed (file ",
    ),
    "two documents": (
        lambda hand: hand.documents(document(52001), document(52001, mode="other")),
        "run document 52001: there are several with this number, and they differ (file ",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_without_the_run_document_a_script_that_asks_for_it_gets_a_sentence(hand: Hand, name: str) -> None:
    make, words = MISSING[name]
    hand.script("says", SAYS)
    make(hand)
    done = hand.run("says", "052001")
    (line,) = done.stderr.splitlines()
    assert line.startswith("says.py: ")
    assert words in line
    hand.script("good", GOOD)
    assert hand.run("good", "052001").returncode == 0


# --- campaigns --------------------------------------------------------------------------------------------------------
COUNTS = """
runs = " ".join(xomlib.runs())
xomlib.Xomresult(variable_name="n", variable_value=len(xomlib.runs()), data={"runs": runs}).save()
"""


@pytest.fixture
def campaign(hand: Hand) -> Hand:
    """Two runs that follow each other, and one that comes weeks later."""
    hand.script("counts", COUNTS, period={"gap": "2 d"}, run_modes=["tpc_bkg"])
    hand.documents(*map(document, (52001, 52002, 52900)))
    return hand


def test_a_campaign_is_tried_with_its_runs(campaign: Hand) -> None:
    name = group_id([52001, 52002])
    said = json.loads(campaign.run("counts", name).stdout)
    assert said["key"]["run"] == name
    assert said["results"][0]["data"] == {"runs": "052001 052002"}


def test_a_run_of_a_campaign_is_tried_by_itself(campaign: Hand) -> None:
    said = json.loads(campaign.run("counts", "052001").stdout)
    assert said["results"][0]["data"] == {"runs": "052001"}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("052001-0000", f"there is no campaign 052001-0000 of counts: run 52001 belongs to {group_id([52001, 52002])}"),
        ("052003-0000", "there is no campaign 052003-0000 of counts: run 52003 belongs to none"),
    ],
)
def test_a_campaign_that_is_not_there_is_a_sentence(campaign: Hand, run: str, words: str) -> None:
    done = campaign.run("counts", run)
    assert (done.returncode, done.stderr) == (1, f"counts.py: {words}\n")


def test_an_error_of_the_script_shows_where(hand: Hand) -> None:
    hand.script("raises", "raise ValueError('no peaks at all')")
    done = hand.run("raises", "052001")
    assert done.returncode == 1
    assert "line 4, in main" in done.stderr
    assert done.stderr.splitlines()[-1] == "ValueError: no peaks at all"
