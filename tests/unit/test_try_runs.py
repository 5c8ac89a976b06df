"""`xom try`: an attempt as in a tick, without a trace in the site."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import IO

import pytest

import xomlib
from support.batch import FakeBatchSystem
from support.factory import KEY, keep, outcome, result, settings
from support.in_process import FastSite
from xomflow.config.load import load_configuration
from xomflow.core.errors import BatchSystemError, XomError
from xomflow.core.key import Key
from xomflow.core.state import State
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest, Submitted
from xomflow.workflow.requests.analysing import try_in_slurm
from xomflow.workflow.requests.analysing.try_runs import newest_runs, published, try_here
from xomlib.attempt import Attempt

GOOD = """
xomlib.figure('overview', b'\\x89PNG\\r\\n\\x1a\\n a picture')
xomlib.Xomresult(variable_name='rate', variable_value=1.5, error=0.1, unit='Hz', n=7).save()
xomlib.Xomresult(variable_name='yield', insufficient='3 events').save()
xomlib.xom_message(success=True)
"""


@pytest.fixture
def place(site: FastSite) -> FastSite:
    site.runs([52801, 52802, 52803])
    site.analysis("answer", GOOD, memory_mb=700, time_limit="1 min")
    return site


def test_a_run_is_tried_and_compared_with_what_is_published(place: FastSite) -> None:
    key = Key("answer", "v1", "052801")
    keep(place.paths, outcome(key, [result("rate", 1.25, error=0.2), result("other")]))
    before = {path: path.stat().st_mtime_ns for path in place.work.rglob("*") if path.is_file()}
    done = place.xom("try", "answer", "52801", "--save", str(place.folder / "tried"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "run     variable  value           error  unit  n  published   change",
        "052801  rate      1.5             0.1    Hz    7  1.25 ± 0.2  +0.25",
        "052801  yield     none: 3 events",
    ]
    printed, used, where = done.stderr.splitlines()
    assert printed == "XOM answer v1 run 052801: success"
    assert used.startswith("answer v1 run 052801: ") and " s of 60 s, " in used and used.endswith(" MB of 700 MB")
    figure = place.folder / "tried/answer-052801/figures/overview.png"
    assert where.endswith(f"results and figures are in {place.folder}/tried/answer-052801: {figure}")
    assert figure.read_bytes() == b"\x89PNG\r\n\x1a\n a picture"
    assert {path: path.stat().st_mtime_ns for path in place.work.rglob("*") if path.is_file()} == before


def test_a_failure_is_what_a_tick_would_record(place: FastSite) -> None:
    place.analysis("answer", "raise ValueError('no light')")
    place.tick()
    (record,) = place.failures("answer", 52801)
    done = place.xom("try", "answer", "52801", "--json")
    assert done.returncode == 7
    (tried,) = json.loads(done.stdout)
    assert tried["failure"] == [record["failure"]["class"], record["failure"]["message"]]
    assert tried["document"] is None
    assert "ValueError: no light" in place.xom("try", "answer", "52801").stderr.splitlines()[-1]


def test_the_newest_runs_are_tried(place: FastSite) -> None:
    keep(place.paths, outcome(Key("answer", "v1", "052803")))
    done = place.xom("try", "answer", "--last", "2", "--json")
    assert [one["key"]["run"] for one in json.loads(done.stdout)] == ["052803", "052802"]
    assert not [path for path in place.work.rglob("*") if path.is_file() and "outcomes" not in path.parts]


def test_the_newest_runs_are_those_whose_data_can_be_read(place: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"052803": State.WAITING, "052802": State.FAILED, "052801": State.READY}
    items = [
        SimpleNamespace(key=Key("answer", "v1", run), state=SimpleNamespace(name=name)) for run, name in states.items()
    ]
    survey = SimpleNamespace(items={"answer": items})
    monkeypatch.setattr("xomflow.workflow.discover.survey_now", lambda config, may_write: survey)
    assert newest_runs(settings(place.work), "answer", 3) == ["052802", "052801"]


def test_an_outcome_that_cannot_be_read_is_compared_with_nothing(place: FastSite) -> None:
    keep(place.paths, outcome())
    assert published(place.paths, KEY) is not None
    place.paths.outcome(KEY).write_text("{")
    assert published(place.paths, KEY) is None


def test_what_cannot_be_tried_is_one_sentence(place: FastSite) -> None:
    cases = {
        ("answer",): "xom try needs either a run or --last N",
        ("answer", "52801", "--last", "2"): "xom try needs either a run or --last N",
        ("answer", "52801", "--slurm"): "with --slurm give --save FOLDER, a folder that the nodes see too",
        ("answer", "x"): "run id 'x' is not a number",
        ("answr", "52801"): "config.yaml has no analyses.answr: add its block first; did you mean 'answer'?",
        ("answr", "--last", "1"): "there is no run of answr whose data can be read; name one",
    }
    for words, sentence in cases.items():
        done = place.xom("try", *words)
        assert done.stdout == "" and sentence in done.stderr, done.stderr
        assert done.returncode in (2, 3) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (CompletedProcess("", -2, b"[]"), r"^answer v1 run 052801: the attempt was interrupted$"),
        (CompletedProcess("", 130, b"{}"), "the attempt was interrupted"),
        (CompletedProcess("", 1, b""), "made no attempt, it ended with exit status 1 and the reason above"),
        (CompletedProcess("", 0, b"[]"), "made no attempt, it ended with exit status 0 and"),
        (CompletedProcess("", 126, b"{}"), "made no attempt, it ended with exit status 126 and"),
        (OSError(2, "No such file or directory"), "cannot be started here: No such file or directory$"),
    ],
)
def test_an_interpreter_that_makes_no_attempt_is_one_sentence(
    place: FastSite, monkeypatch: pytest.MonkeyPatch, answer: CompletedProcess[bytes] | OSError, sentence: str
) -> None:
    def run(*_: object, **__: object) -> CompletedProcess[bytes]:
        if isinstance(answer, OSError):
            raise answer
        return answer

    place.write_config()
    monkeypatch.chdir(place.folder)
    monkeypatch.setattr("subprocess.run", run)
    with pytest.raises(XomError, match=sentence):
        try_here(load_configuration(Path("config.yaml")), "answer", "52801", "here", place.folder / "tried")


def test_a_notebook_tries_a_run_from_any_folder(place: FastSite, tmp_path: Path) -> None:
    place.write_config()
    made = xomlib.try_job("answer", 52801, site=place.folder, save=tmp_path / "saved")
    assert made.failure is None and made.document is not None
    assert [one["variable"] for one in made.document["results"]] == ["rate", "yield"]
    assert (tmp_path / "saved/answer-052801/figures/overview.png").exists() and made.place is not None
    with pytest.raises(xomlib.JobError, match=r"has no analyses\.answr"):
        xomlib.try_job("answr", 52801, site=place.folder)


# --- in a batch system ------------------------------------------------------------------------------------------------
class OfOneJob(FakeBatchSystem):
    """A batch system whose jobs a test ends, when it is asked for them."""

    def __init__(self, end: Callable[[OfOneJob], object]) -> None:
        super().__init__()
        self.end = end
        self.request: JobRequest | None = None

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> Submitted:
        self.request = request
        return super().submit(request, label, log, lock)

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        self.end(self)
        return super().jobs(user, cluster, by_name)


def in_slurm(
    place: FastSite, batch: FakeBatchSystem, monkeypatch: pytest.MonkeyPatch, *runs: str, latency: str = "0 s"
) -> tuple[list[Attempt], list[str]]:
    """Try runs, by default one, in jobs of a batch system, which is asked every two seconds of a clock of its own."""
    passed = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: sum(passed), sleep=passed.append)
    monkeypatch.setattr(try_in_slurm, "time", clock)
    place.tree["slurm"] = {"latency": latency}
    place.write_config()
    monkeypatch.chdir(place.folder)
    told: list[str] = []
    tried = try_in_slurm.try_in_slurm(
        load_configuration(Path("config.yaml")),
        batch,
        "answer",
        runs or ["52801"],
        Path("config.yaml"),
        place.folder / "tried",
        told.append,
    )
    return [one.attempt for one in tried], told


def report(place: FastSite) -> Attempt:
    """Let the job of a run report."""
    folder = place.folder / "tried/answer-052801"
    made = Attempt({"results": [], "figures": []}, ("no_result", "nothing"), 1.5, 1.0, 200.0, str(folder))
    (folder / "attempt.json").write_text(json.dumps([{"key": KEY.as_dict(), **made.to_json()}]))
    return made


def kill(batch: FakeBatchSystem) -> None:
    end = JobEnd("out_of_memory", "Slurm ended job 1: OUT_OF_MEMORY")
    batch.known = {label: BatchJob("1", "it ended", end) for label in batch.known}


def test_a_job_of_the_batch_system_reports(place: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place.folder / "tried/answer-052801"
    batch = OfOneJob(lambda batch: batch.listed == 50 and report(place))
    batch.known["other"] = BatchJob("99", "it ended", JobEnd("lost", "another job of this account"))
    made, told = in_slurm(place, batch, monkeypatch)
    assert (made, told) == ([report(place)], [f"answer v1 run 052801: Slurm job 1, log {folder}/job.log"])
    assert batch.accepted == ["xom-try-answer-052801"] and batch.cancelled == []
    place_of_site = ["--site", str(place.folder), "--config", "config.yaml", "--report", f"{folder}/attempt.json"]
    save = ["--save", str(place.folder / "tried")]
    assert batch.request is not None
    assert shlex.split(batch.request.command)[3:] == ["try", "answer", "052801", *save, *place_of_site]
    assert (batch.request.memory_mb, batch.request.minutes, batch.request.cpus) == (700, 2, 1)


def test_a_job_that_the_batch_system_ends_has_its_class(place: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "tried/answer-052801").mkdir(parents=True)
    report(place)  # of an earlier try
    ((made,), _) = in_slurm(place, OfOneJob(kill), monkeypatch)
    assert made.failure == ("out_of_memory", "Slurm ended job 1: OUT_OF_MEMORY")


@pytest.mark.parametrize(("looks", "wall"), [(15, 1.5), (16, 32.0)])
def test_a_report_may_be_seen_some_time_after_the_end_of_its_job(
    place: FastSite, monkeypatch: pytest.MonkeyPatch, looks: int, wall: float
) -> None:
    def end(batch: OfOneJob) -> None:
        kill(batch)
        if batch.listed == looks:
            report(place)

    ((made,), _) = in_slurm(place, OfOneJob(end), monkeypatch, latency="30 s")
    assert made.wall_s == wall


def test_a_job_that_vanished_without_a_record_is_lost(place: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    ((made,), _) = in_slurm(place, OfOneJob(lambda batch: batch.known.clear()), monkeypatch)
    assert made.failure is not None and made.failure[0] == "lost"
    assert made.wall_s == 64.0, "a job that is not listed yet may be about to begin"
    batch = OfOneJob(lambda batch: batch.known.clear())
    batch.accounting = [BatchJob("1", "it ended", JobEnd("timeout", "Slurm ended job 1: TIMEOUT"))]
    ((made,), _) = in_slurm(place, batch, monkeypatch)
    assert made.failure == ("timeout", "Slurm ended job 1: TIMEOUT"), "its records are asked"
    batch = OfOneJob(lambda batch: batch.known.clear())
    batch.accounting = [BatchJob("1", "it runs")]
    ((made,), _) = in_slurm(place, batch, monkeypatch)
    assert made.failure is not None and made.failure[0] == "lost"


def test_nothing_is_concluded_while_the_batch_system_does_not_answer(
    place: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(batch: OfOneJob) -> None:
        batch.known.clear()
        batch.away = "slurmctld is away" if batch.listed < 50 else ""

    ((made,), _) = in_slurm(place, OfOneJob(end), monkeypatch)
    assert made.wall_s == 102.0


def test_an_interrupted_wait_cancels_the_jobs_that_have_not_reported(
    place: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(batch: OfOneJob) -> None:
        if batch.listed:
            raise KeyboardInterrupt
        report(place)

    batch = OfOneJob(interrupt)
    with pytest.raises(KeyboardInterrupt):
        in_slurm(place, batch, monkeypatch, "52801", "52802")
    assert batch.cancelled == ["2"]
    batch = OfOneJob(interrupt)
    batch.limit = 1
    with pytest.raises(BatchSystemError):
        in_slurm(place, batch, monkeypatch, "52802", "52803")
    assert batch.cancelled == ["1"], "the next one was refused"
