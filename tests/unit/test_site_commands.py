"""Commands that act on a store or a site, what comes before any command, and the commands that rules call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import keep, key_of, outcome, settings
from support.typed import Console, Typed
from xomflow.cli import command_line, job, main
from xomflow.core import times
from xomflow.core.errors import RunDBError
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import mark, mark_folders
from xomflow.core.key import Key, group_id
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import Receipt
from xomflow.notify.settings import NotifySettings
from xomflow.outcomes.campaigns.current import Groups
from xomflow.outcomes.campaigns.groups import KnownGroups, write_groups
from xomflow.outcomes.past.makers import Maker
from xomflow.planning.brake import BrakeError
from xomflow.publishing.scope import Scope
from xomflow.workflow.messages.looking import RecipientLine
from xomflow.workflow.messages.watch import Watched
from xomflow.workflow.requests.analysing.try_runs import Tried
from xomflow.workflow.requests.doctor.finding import Finding
from xomflow.workflow.requests.looking.outdated import Today, differences
from xomflow.workflow.requests.rebuild import rebuild
from xomlib.attempt import Attempt
from xomlib.printing import say_unforeseen


@pytest.fixture
def published(console: Console) -> Console:
    """A site with results of three runs."""
    site = console.site
    site.analysis("good", "pass")
    site.runs([52001, 52002, 52003])
    keep(site.paths, *(outcome(key_of(number, "good")) for number in (52001, 52002, 52003)))
    return console


# --- the store --------------------------------------------------------------------------------------------------------
def test_a_store_that_is_filled_again_has_all_points(published: Console) -> None:
    lacks = published("verify")
    assert (lacks.code, lacks.out[-1].endswith(" differences"), len(lacks.out) > 1) == (
        ExitCode.STORE_DIFFERS,
        True,
        True,
    )
    expected = published.site.paths.expected
    expected.mkdir(parents=True)
    (expected / "stale.json").touch()
    assert published("rebuild") == Typed(["3 outcomes, 3 points are in the store"], [], 0)
    assert [path.name for path in expected.rglob("newest.json")] == ["newest.json"], "they are judged"
    assert not (expected / "stale.json").exists()
    assert mark(published.site.paths.outcomes).exists(), "its absence is noticed from now on"
    assert published("verify") == Typed(["the store has the points of all outcomes"], [], 0)
    stored = {path.stem for path in (published.site.paths.store / "test/xom").glob("*.lp")}
    assert {"events", "expected"} <= stored


@pytest.mark.parametrize("error", [RunDBError("it is away"), OSError(5, "it is away")])
def test_a_rebuild_publishes_results_also_if_the_run_database_is_away(
    published: Console, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("xomflow.workflow.requests.rebuild.survey_now", fail)
    done = published("rebuild")
    assert (done.code, done.out[0]) == (ExitCode.STORE_OR_DISK, "3 outcomes, 3 points are in the store")
    assert "it is away" in done.out[1]


def test_what_boards_show_goes_to_the_store_of_all_results_if_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards: list[str] = []
    stores = {
        "main": (None, False, False),
        "of trials": (frozenset({("good", "v2")}), False, False),
        "mirror": (None, True, False),
        "away": (None, False, True),
    }
    module = "xomflow.workflow.requests.rebuild"
    chosen = [
        (SimpleNamespace(name=name, prefix="xom", is_mirror=is_mirror), Scope(only=only))
        for name, (only, is_mirror, _) in stores.items()
    ]
    monkeypatch.setattr(f"{module}.stores_of", lambda config: chosen)
    monkeypatch.setattr(
        f"{module}.open_store", lambda where, paths: SimpleNamespace(name=where.name, close=lambda: None)
    )
    monkeypatch.setattr(f"{module}.publish.rebuild", lambda paths, store, *_: Receipt(away=stores[store.name][2]))
    monkeypatch.setattr(f"{module}._boards", lambda config, store: boards.append(store.name) or [])
    rebuild(settings(tmp_path), None)
    assert boards == ["main"]


def test_which_campaigns_count_is_found_from_the_runs_unless_a_tick_has_left_it(published: Console) -> None:
    site = published.site
    site.analysis("camp", "pass", period={"gap": "3 h"})
    for runs in ((52001, 52002, 52003), (52001, 52002)):
        facts = {"runs": [f"0{number}" for number in runs]}
        keep(site.paths, outcome(Key("camp", "v1", group_id(runs)), run=facts))
    assert published("rebuild").out == ["4 outcomes, 4 points are in the store"]
    (site.folder / "runs.jsonl").unlink()
    assert published("verify").code == ExitCode.RUN_DATABASE
    write_groups(site.paths, {("camp", "v1"): KnownGroups(Groups(((52001, 52002, 52003),)))})
    assert published("verify").code != ExitCode.RUN_DATABASE
    site.paths.groups.unlink()
    del site.tree["analyses"]["camp"]
    assert published("verify").code != ExitCode.RUN_DATABASE, "no campaigns, no question"


def test_a_rebuild_stops_before_a_mass_change(published: Console) -> None:
    site = published.site
    keep(site.paths, *(outcome(key_of(number, "good")) for number in range(52001, 52011)))
    published("rebuild")
    assert published("status").code == ExitCode.OK
    for number in range(52001, 52010):
        site.paths.outcome(key_of(number, "good")).unlink()
    done = published("rebuild")
    assert (done.code, done.out) == (ExitCode.WAITS_FOR_PERSON, [])
    assert done.err[0].startswith("good v1: 9 of 10 results are no longer what they were: 9 gone from ")
    assert published("status").code == ExitCode.WAITS_FOR_PERSON
    plan = published("accept", "--why", "a test", "--dry-run").out
    assert plan[0].startswith("to accept: good v1: 9 of 10 results, 9 gone from ")
    assert plan[1].startswith("9 keys to be accepted as they are now: good v1 run 052001, ")
    published("accept", "--why", "a test")
    assert published("decisions").out[1].split(" | ")[1] == "yes"
    assert published("rebuild").out == ["1 outcomes, 1 points are in the store"]


def test_an_acceptance_is_over_once_a_tick_has_claimed_with_it(published: Console) -> None:
    test_a_rebuild_stops_before_a_mass_change(published)
    tick = TickPaths(published.site.paths.tick("20261120T120000-vm-1"))
    tick.folder.mkdir(parents=True)
    assert len(published("decisions").out) == 2
    tick.claims.write_text("[]")
    assert published("decisions").out[1:] == []
    assert published("decisions", "--all").out[1].split(" | ")[1] == "a tick has gone on with it"


def test_dashboards_are_written_once(published: Console) -> None:
    account = published.site.folder / "influx.json"
    account.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "t", "org": "o", "bucket": "b"}))
    account.chmod(0o600)
    published.site.tree["store"] = {"kind": "influxdb", "credentials": str(account)}
    first = published("dashboards")
    assert (first.code, first.out[-1].startswith("work/grafana: ")) == (0, True)
    number = int(first.out[-1].split()[1])
    assert first.out[-1] == f"work/grafana: {number} files changed" and number > 5
    assert published("dashboards").out[-1] == "work/grafana is up to date"


# --- jobs -------------------------------------------------------------------------------------------------------------
def test_without_jobs_nothing_is_cancelled(published: Console) -> None:
    assert published("cancel") == Typed(["no such job is known"], [], 0)
    assert published("cancel --dry-run 52001").out == ["no such job is known", "nothing was done"]


# --- before any command -----------------------------------------------------------------------------------------------
def test_only_the_owner_acts_and_all_others_may_look(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    published.site.work.mkdir(exist_ok=True)
    monkeypatch.setattr("xomflow.core.account.other_owner", lambda work: "xenon")
    monkeypatch.setattr(command_line, "other_owner", lambda work: "xenon")
    look, act = published("decisions"), published("rebuild")
    belongs = "SITE/work belongs to xenon, and you are WHO"
    assert (look.code, look.err) == (0, [belongs])
    assert (act.code, act.err[0].startswith(f"{belongs}: only xenon runs ticks")) == (ExitCode.USAGE, True)


def test_nothing_is_done_before_an_interrupted_maintenance_is_finished(
    published: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.site.paths.maintenance.write_text("odd")
    for words in ("decisions", "rebuild", "status"):
        assert (published(words).out, published(words).code) == ([], ExitCode.WAITS_FOR_PERSON)
    asked: list[Paths] = []
    monkeypatch.setattr(command_line, "check_finished", asked.append)
    published("rename good better --dry-run")
    assert asked == [], "but for what finishes it"
    published("decisions")
    assert len(asked) == 1


def test_no_command_goes_on_while_a_folder_that_was_used_is_away(published: Console) -> None:
    mark_folders(published.site.paths, local_store=False)
    published.site.paths.outcomes.rename(published.site.work / "moved")
    for words in ("status", "rebuild"):
        assert (published(words).out, published(words).code) == ([], ExitCode.STORE_OR_DISK)


def test_a_command_works_in_the_folder_of_its_site_wherever_it_is_typed(
    published: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.site.write_config()
    (below := published.site.folder / "notebooks").mkdir()
    monkeypatch.chdir(below)
    assert main(["decisions"]) == ExitCode.OK


def test_a_work_folder_of_a_later_version_is_left_alone(published: Console) -> None:
    (published.site.work / "format").write_text("99\n")
    assert published("decisions").code == ExitCode.CONFIGURATION


def test_an_error_is_printed_line_by_line_with_its_code(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for error, code in ((RunDBError("it is\naway"), ExitCode.RUN_DATABASE), (OSError(28, "No space", "x"), 6)):

        def fail(words: list[str], error: Exception = error) -> int:
            raise error

        monkeypatch.setattr(command_line, "main", fail)
        assert main(["status"]) == code
        assert capsys.readouterr().err.splitlines()[0] in ("it is", "x: No space; nothing that was done is lost")


def test_an_unforeseen_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: list[str]) -> int:
        raise FileNotFoundError(2, "No such file", "x")

    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr(command_line, "main", fail)
    with pytest.raises(FileNotFoundError):
        main(["status"])
    assert sys.excepthook is say_unforeseen


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_command_works_without_a_standard_stream(
    published: Console, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As that of `xom status >&-`."""
    monkeypatch.setattr(sys, name, None)
    assert published("status").code == ExitCode.OK
    getattr(sys, name).close()


def test_completion_needs_no_site_and_names_its_analyses_if_there_is_one(
    published: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published.site.analysis("trial", "pass", trial={"version": "v2"})
    assert published("completion analyses").out == ["good trial trial+v2"]
    assert published("completion bash").out[0].startswith("# Completion of xom for bash")
    assert published("completion zsh").out[0] == "#compdef xom"
    published.site.analysis("gone", "pass")
    (published.site.folder / "extra/scripts/analyses/gone.py").unlink()
    assert published("completion analyses").out == ["good trial gone trial+v2"], "its script is missing"
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["completion", "analyses", "--site", str(published.site.folder)]) == 0
    assert capsys.readouterr().out == "good trial gone trial+v2\n"
    published.site.tree["wrok"] = 1
    assert published("completion analyses") == Typed([], [], 0)


def test_a_try_is_of_a_run_or_of_the_newest_ones(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def try_here(config: Any, analysis: str, run: str, source: str, save: Path) -> Tried:
        asked.append((analysis, run, source, save))
        made = Attempt(None, ("raised", "it broke") if run == "052001" else None, 1.0)
        return Tried(Key(analysis, "v1", run), made, None)

    monkeypatch.setattr("xomflow.workflow.requests.analysing.try_runs.try_here", try_here)
    needs = Typed([], ["xom try needs either a run or --last N"], ExitCode.USAGE)
    assert published("try good") == published("try good 52001 --last 2") == needs
    assert published("try good 52001 --slurm").err == [
        "with --slurm give --save FOLDER, a folder that the nodes see too"
    ]
    there = published.site.folder / "there"
    done = published("try", "good", "--last", "2", "--save", str(there))
    assert (done.code, done.out) == (0, [])
    assert done.err == ["good v1 run 052003: 1.0 s of 1800 s", "good v1 run 052002: 1.0 s of 1800 s"]
    assert published("try", "good", "052001", "--save", str(there)).code == ExitCode.FAILED_RUNS
    assert asked == [("good", run, "config.yaml", there) for run in ("052003", "052002", "052001")]
    monkeypatch.setattr("tempfile.tempdir", str(published.site.folder))
    found = json.loads("\n".join(published("try good 052002 --json").out))
    assert asked[-1][3].parent == published.site.folder and asked[-1][3].is_dir()
    assert [one["key"]["run"] for one in found] == ["052002"]
    assert published("try late --last 1").err == ["there is no run of late whose data can be read; name one"]


def test_a_try_in_slurm_prints_what_it_submits_and_reports_to_a_process_that_waits(
    published: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def try_in_slurm(
        config: Any, batch: Any, analysis: str, runs: list[str], source: Path, save: Path, tell: Any
    ) -> Iterator[Tried]:
        tell(f"{source}: submitted, see {save.name}")
        yield from (Tried(Key(analysis, "v1", run), Attempt(None, None, 1.0), None) for run in runs)

    monkeypatch.setattr("xomflow.workflow.requests.analysing.try_in_slurm.try_in_slurm", try_in_slurm)
    done = published("try good 052001 --slurm --save there --report report.json")
    assert done == Typed([], ["config.yaml: submitted, see there", "good v1 run 052001: 1.0 s of 1800 s"], 0)
    (told,) = json.loads((published.site.folder / "report.json").read_text())
    assert (told["key"]["run"], told["wall_s"]) == ("052001", 1.0)


def test_vetoed_runs_are_exported_where_they_are_asked_for(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    make_table = "xomflow.workflow.requests.analysing.tables.make_table"
    monkeypatch.setattr(make_table, lambda config, what, analysis, runs, output, *more: asked.append(more) or 0)
    assert published("export good --version v1").code == published("export good --vetoed").code == 0
    assert asked == [("--version", "v1"), ("--version", "newest", "--vetoed")]


# --- doctor, notify, watch, report ------------------------------------------------------------------------------------
def test_the_doctor_prints_a_row_for_each_finding(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("disk", Finding("2 GB are free")), ("Slurm", Finding("away", "wait", ExitCode.SLURM))]
    monkeypatch.setattr("xomflow.workflow.requests.doctor.site.examine_site", lambda file: iter(found))
    assert published("doctor") == Typed(
        ["about | state | seen | what to do", "disk | ok | 2 GB are free", "Slurm | wrong | away | wait"], [], 5
    )


def test_who_is_told_is_a_table(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "xomflow.workflow.messages.looking.recipients_now", lambda config: [RecipientLine("a", "b", None)]
    )
    tried = [RecipientLine("a", "no", "refused")], ExitCode.UNFORESEEN
    monkeypatch.setattr("xomflow.workflow.messages.looking.send_test", lambda config, now: tried)
    assert published("notify") == Typed(["recipient | told | problem", "a | b"], [], 0)
    assert published("notify --test") == Typed(["recipient | server | problem", "a | no | refused"], [], 1)


def test_the_watch_says_nothing_while_all_is_well(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def look(config: Any, longest: Any, now: Any) -> Watched:
        asked.append(longest.total_seconds())
        return Watched(["it is late"], ExitCode.FAILED_RUNS) if len(asked) == 1 else Watched([], ExitCode.OK)

    monkeypatch.setattr("xomflow.workflow.messages.watch.watch", look)
    assert published("watch") == Typed(["it is late"], [], 7)
    assert published("watch", "--older-than", "2 h") == Typed([], [], 0)
    assert asked == [3 * 3600.0, 2 * 3600.0]


def test_a_report_has_the_days_before_its_end_and_its_name(published: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, str, str]] = []

    def write(config: Any, period: Any, file: Path) -> list[str]:
        made.append(((period.end - period.begin).days, f"{period.end:%Y-%m-%dT%H:%M}", file.name))
        return [file.name]

    monkeypatch.setattr("xomflow.workflow.messages.week.write_report", write)
    assert published("report --week --until 2026-11-20T12:00").out == ["xom-2026-11-20.html"]
    published("report --days 2 --until 2026-11-20 --output a.html")
    assert made == [(7, "2026-11-20T12:00", "xom-2026-11-20.html"), (2, "2026-11-20T00:00", "a.html")]
    published("report --week")
    assert timedelta() <= times.now() - datetime.fromisoformat(f"{made[-1][1]}Z") < timedelta(minutes=10)
    with pytest.raises(SystemExit):
        published("report")


# --- what rules call --------------------------------------------------------------------------------------------------
@pytest.fixture
def tick(published: Console) -> TickPaths:
    found = TickPaths(published.site.paths.tick("20261120T120000-vm-1"))
    found.folder.mkdir(parents=True)
    return found


def test_what_stops_a_tick_is_noted_for_its_end(tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def noted(command: str, error: Exception) -> Any:
        tick.trouble.unlink(missing_ok=True)

        def fail(*_: Any) -> Any:
            raise error

        place = {
            "discover": "xomflow.workflow.discover.discover",
            "publish": "xomflow.workflow.ending.finish.finish",
            "batch": "xomflow.jobs.batches.batch_file.read_batch",
        }
        monkeypatch.setattr(place[command], fail)
        assert main(["job", command, str(tick.folder), *(["b-1"] if command == "batch" else [])]) != 0
        return json.loads(tick.trouble.read_text()) if tick.trouble.exists() else None

    away, brake = RunDBError("it is away"), BrakeError([])
    assert noted("discover", away) == {"sentence": "it is away", "exit_code": ExitCode.RUN_DATABASE}
    assert noted("publish", away) is None
    assert noted("batch", brake) is None, "a job stops no tick"
    assert noted("publish", brake) == {"sentence": "", "exit_code": ExitCode.WAITS_FOR_PERSON}
    assert noted("discover", brake) is not None
    for path in tick.folder.iterdir():
        path.unlink()
    tick.folder.rmdir()
    assert noted("discover", away) is None, "a folder where the disk should be mounted stays empty"


def test_only_the_owner_of_a_folder_of_this_layout_runs_the_commands_of_rules(
    tick: TickPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xomflow.workflow.discover.discover", lambda tick: pytest.fail("it was run"))
    with monkeypatch.context() as patch:
        patch.setattr("xomflow.core.account.other_owner", lambda work: "xenon")
        assert main(["job", "discover", str(tick.folder)]) == ExitCode.USAGE
    paths = Paths(tick.folder.parent.parent)
    mark_folders(paths, local_store=False)
    paths.outcomes.rename(paths.work / "moved")
    assert main(["job", "discover", str(tick.folder)]) == ExitCode.STORE_OR_DISK
    (paths.work / "moved").rename(paths.outcomes)
    (paths.work / "format").write_text("99\n")
    assert main(["job", "discover", str(tick.folder)]) == ExitCode.CONFIGURATION


def test_each_command_of_rules_gets_its_arguments(
    tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[tuple[Any, ...]] = []

    def answer(result: Any) -> Any:
        return lambda *given: called.append(given) or result

    monkeypatch.setattr("xomflow.workflow.discover.discover", answer(SimpleNamespace(chosen=[1, 2])))
    monkeypatch.setattr("xomflow.workflow.ending.finish.finish", answer(["published"]))
    monkeypatch.setattr("xomflow.jobs.description.read_job", answer("the job"))
    monkeypatch.setattr("xomflow.jobs.runner.run_job", answer(3))
    monkeypatch.setattr("xomflow.jobs.processes.surroundings.beside", answer("beside others"))
    monkeypatch.setattr("xomflow.jobs.processes.surroundings.ALONE_IN_BATCH_JOB", "alone")
    monkeypatch.setattr("xomflow.jobs.batches.batch_file.read_batch", answer("the batch"))
    monkeypatch.setattr("xomflow.jobs.batches.run_batch.run_batch", answer(4))
    monkeypatch.delenv("XOM_BATCH_JOB", raising=False)
    folder, paths, key = str(tick.folder), Paths(tick.folder.parent.parent), Key("good", "v1", "052001")

    def call(*words: str) -> tuple[int, list[tuple[Any, ...]], str]:
        called.clear()
        code = job.main(list(words))
        return code, list(called), capsys.readouterr().out

    assert call("discover", folder) == (0, [(tick,)], "2 runs to analyse\n")
    assert call("publish", folder) == call("report", folder) == (0, [(tick,)], "published\n")
    here = [(tick, key), (tick,), (paths, tick, "the job", "beside others")]
    assert call("run", folder, "good", "v1", "052001") == (3, here, "")
    alone = [(tick, key), (paths, tick, "the job", "alone")]
    assert call("run", folder, "good", "v1", "052001", "--slurm") == (3, alone, "")
    monkeypatch.setenv("XOM_BATCH_JOB", "slurm 7")
    assert call("run", folder, "good", "v1", "052001") == (3, alone, "")
    assert call("batch", folder, "b-1") == (4, [(tick, "b-1"), (paths, tick, "the batch")], "")


def test_what_could_not_be_told_is_said_on_standard_error(
    tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []
    told = "xomflow.workflow.messages.of_tick.send_about"
    monkeypatch.setattr(told, lambda *words: given.append(words) or ["notify: it is away"])
    handed_on = NotifySettings(page_url="https://x/", contacts={"kr83m": "jane"})
    monkeypatch.setattr("sys.stdin", StringIO(json.dumps(handed_on.to_json())))
    assert job.main(["notify", str(tick.folder), "5"]) == 0
    assert (given, capsys.readouterr().err) == ([(tick, handed_on, 5)], "notify: it is away\n")


def test_the_job_commands_are_named_where_none_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        job.main([])
    with pytest.raises(SystemExit):
        job.main(["no-such"])
    told = capsys.readouterr().err
    assert all(name in told for name in ("discover", "run", "batch", "publish", "notify", "describe"))


def test_a_job_is_described_as_a_tick_makes_it(published: Console, tmp_path: Path) -> None:
    told = json.loads(published("job describe good 52001").out[0])
    assert (told["key"]["run"], told["run"]["number"], told["why_no_run"]) == ("052001", 52001, "")
    told = json.loads(published("job describe good 52009").out[0])
    assert told["run"] is None and "has no document of run 52009: give --documents FILE" in told["why_no_run"]
    assert "(1 other documents cannot be read)" not in told["why_no_run"]
    published.site.analysis("gone", "pass")
    (published.site.folder / "extra/scripts/analyses/gone.py").unlink()
    assert published("job describe good 52001").code == 0, "the script of another one is missing"
    other = published.site.folder / "other.jsonl"
    other.write_text(json.dumps({**published.site.documents[52001], "number": 52009, "name": "052009"}) + "\n")
    told = json.loads(published("job describe good 52009 --documents other.jsonl").out[0])
    assert told["run"]["number"] == 52009


# --- what is outdated -------------------------------------------------------------------------------------------------
def test_what_made_a_result_is_compared_part_by_part() -> None:
    maker = Maker("s1", "set1", "py", (("peaks", "a"), ("events", "b")), (("strax", "2"), ("numpy", "1")))
    today = Today("s1", "set1", "py", {"peaks": "a", "other": "z"}, {"strax": "2", "numpy": "9"})
    assert differences(maker, today) == differences(maker, None) == frozenset()
    newer = Today("s1", "set1", "py", versions={**today.versions, "straxen": "3"})
    assert differences(maker, newer) == frozenset(), "it was made without straxen"
    changed = {
        "lineage": {"lineage": {"events": "c"}},
        "software": {"versions": {"strax": "3"}},
        "script": {"script": "s2"},
        "settings": {"settings": "set2"},
    }
    for part, change in changed.items():
        given = {
            "script": "s1",
            "settings": "set1",
            "software": "py",
            "lineage": {"peaks": "a"},
            "versions": {"strax": "2"},
        }
        assert differences(maker, Today(**{**given, **change})) == {part}  # type: ignore[arg-type]
    other_path = Today("s1", "set1", "/other/py", {}, {"strax": "2"})
    assert differences(maker, other_path) == frozenset(), "another checkout of the same versions"
    assert differences(maker, Today("s1", "set1", "/other/py")) == {"software"}
