"""The object ``xom`` of the Snakefile, beside a stand-in for Snakemake: what rule files get, how a tick begins."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.iocontainers import Params
from snakemake.jobs import Job
from snakemake.resources import Resources

from support import seam
from support.factory import key_of
from support.in_process import FastSite
from xomflow.core import account
from xomflow.core.errors import ConfigurationError
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.file_lock import TICK_VARIABLE
from xomflow.core.files.folder_marks import mark, mark_folders
from xomflow.core.files.maintenance import Maintenance, Task, begin
from xomflow.core.files.work_format import check_format
from xomflow.core.key import Key
from xomflow.outcomes.files import failures_of
from xomflow.planning.brake import Fate, MassChange
from xomflow.workflow import tick as tick_module
from xomflow.workflow.commands import step_command
from xomflow.workflow.discover import discover
from xomflow.workflow.ending.reported import NO_MAIL
from xomflow.workflow.snakemake import rules as module
from xomflow.workflow.snakemake.rules import Rules, checked
from xomlib.process.locks import is_locked

RUN = SimpleNamespace(run="052001")


class Snakefile:
    """A site whose Snakefile begins; a test sets how Snakemake was started."""

    def __init__(self, site: FastSite) -> None:
        self.site = site
        self.made: dict[str, Any] = {"configfiles": ["config.yaml"], "_rules": {}, "linemaps": {}}
        self.workflow: Any = None
        self.begun: list[Rules] = []

    def starts(self, *arguments: str, dry: bool = False, **changes: Any) -> Rules:
        """Read the configuration as the Snakefile does; the arguments are those after --config."""
        self.site.write_config()
        config, output = SimpleNamespace(config_args=list(arguments)), SimpleNamespace(dryrun=dry)
        self.workflow = seam.workflow(config_settings=config, output_settings=output, **{**self.made, **changes})
        return Rules(self.workflow, self.site.tree)

    def begins(self, **changes: Any) -> Rules:
        """Begin a tick."""
        xom = self.starts(**changes)
        xom.begin()
        self.begun.append(xom)
        return xom

    def refused(self, **changes: Any) -> int:
        """The exit code with which the Snakefile ends at once."""
        with pytest.raises(SystemExit) as end:
            self.starts(**changes)
        return int(end.value.code or 0)


@pytest.fixture
def snakefile(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Snakefile]:
    monkeypatch.setenv(TICK_VARIABLE, "")
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    monkeypatch.chdir(site.folder)
    site.runs([52001])
    for name in ("good", "late"):
        site.analysis(name, "pass", memory_mb=700, time_limit="61 min")
    made = Snakefile(site)
    yield made
    for xom in made.begun:
        xom.submitter._tick_lock.close()


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


# --- how Snakemake was started ----------------------------------------------------------------------------------------
def test_values_of_the_command_line_count_and_are_read_strictly(snakefile: Snakefile) -> None:
    assert snakefile.starts("max_running=7", "page={interval: 2 h}").config.max_running == 7
    assert snakefile.site.tree["page"] == {"interval": "2 h"}


def test_before_rules_are_read_what_is_the_same_for_all_jobs_is_found(snakefile: Snakefile) -> None:
    defaults = Resources.default("bare")
    snakefile.starts(resource_settings=SimpleNamespace(nodes=None, _parsed_default_resources=defaults))
    assert not defaults["tmpdir"].is_evaluable()


def test_what_loses_arguments_or_has_no_folder_is_wrong_usage(
    snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["snakemake", "--config", "a=1", "--config", "b=2"])
    assert snakefile.refused() == ExitCode.USAGE
    assert printed(capsys)[0].startswith("--config stands several times, ")
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    access = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: place != "." and access(place, mode))
    assert snakefile.refused(dry=True) == ExitCode.USAGE
    assert printed(capsys)[0].startswith(f"{snakefile.site.folder} has no folder .snakemake, ")
    Path(".snakemake").mkdir()
    snakefile.starts(dry=True)


def test_a_wrong_configuration_is_reported_once_by_ticks_and_each_time_by_dry_runs_and_jobs(
    snakefile: Snakefile, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".snakemake").mkdir()
    snakefile.site.tree["max_running"] = "many"
    said = []
    for changes in ({"dry": True}, {}, {}, {"dry": True}, {"is_main_process": False}):
        assert snakefile.refused(**changes) == ExitCode.CONFIGURATION
        sentence, *more = printed(capsys)
        assert sentence.startswith("config.yaml: max_running")
        said.append([line[: len(NO_MAIL)] for line in more])
    assert said == [[], [], [NO_MAIL], [], []]


def test_a_tick_reads_its_files_strictly_and_its_processes_do_not_again(
    snakefile: Snakefile, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = Path("twice.yaml")
    twice.write_text("max_running: 1\nmax_running: 2\n")
    snakefile.made["configfiles"] = ["config.yaml", str(twice)]
    assert snakefile.refused() == ExitCode.CONFIGURATION
    assert printed(capsys)[0].startswith("twice.yaml, line 2: ")
    snakefile.starts(is_main_process=False)


def test_without_a_file_the_configuration_is_named_so(snakefile: Snakefile, capsys: pytest.CaptureFixture[str]) -> None:
    snakefile.made["configfiles"] = []
    snakefile.site.tree["max_running"] = "many"
    snakefile.refused()
    assert printed(capsys)[0].startswith("the configuration: max_running")


def test_the_name_of_a_file_that_can_be_read_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text, sentence in (
        ("[", "is not YAML: "),
        ("", "is empty or a single value"),
        ("one", "is empty or a single value"),
    ):
        wrong = tmp_path / f"wrong{len(text)}.yaml"
        wrong.write_text(text)
        with pytest.raises(SystemExit) as end:
            checked(str(wrong))
        assert end.value.code == ExitCode.CONFIGURATION
        assert sentence in printed(capsys)[0]
    good = tmp_path / "good.yaml"
    assert checked(str(good)) == str(good), "its absence is an error of Snakemake"
    good.write_text("a: 1")
    assert checked(str(good)) == str(good)


# --- what rule files are given ----------------------------------------------------------------------------------------
def test_a_rule_file_gets_the_files_of_its_analysis_and_its_names_are_checked(snakefile: Snakefile) -> None:
    xom = snakefile.starts()
    (first, file), (second, _) = xom.analysis_rules()
    assert (first, second) == ("good", "late")
    assert file == str(snakefile.site.folder / "extra/rules/analyses/good.smk")
    assert xom.outcome("good") == f"{xom.tick.folder}/made/good/{{shelf}}/{{run}}"
    assert xom.log("late") == f"{xom.tick.folder}/logs/late/{{shelf}}/{{run}}.log"
    assert xom.every_outcome == "work/outcomes/{analysis}/{version}/{shelf}/{run}.json"
    for ask in (xom.outcome, xom.log, xom.benchmark, xom.memory_mb, xom.minutes, xom.run):
        with pytest.raises(ConfigurationError, match=r"no analyses\.goood; did you mean 'good'"):
            ask("goood")
    with pytest.raises(AttributeError, match="xom has no 'outcom'; did you mean 'outcome'"):
        xom.outcom("good")


def test_names_that_will_go_still_work_and_a_tick_warns_once(
    snakefile: Snakefile, capsys: pytest.CaptureFixture[str]
) -> None:
    xom = snakefile.starts()
    assert xom.settings is xom.config
    assert xom.benchmark("good") == "work/benchmarks/good/v1/{shelf}/{run}.tsv"
    assert [line.partition(":")[0] for line in printed(capsys)] == [
        "xom.settings is xom.config; the next release does not have the old name",
        "remove `benchmark",
    ]
    job = snakefile.starts(is_main_process=False)
    assert (job.settings, printed(capsys)) == (job.config, [])


def include(snakefile: Snakefile, xom: Rules, analysis: str, *rules: Any, raises: Exception | None = None) -> str:
    """Include the rule file of an analysis as the Snakefile does; return what is wrong in it."""
    with xom.isolate_rule_file(analysis):
        snakefile.workflow.included_stack.append(analysis)
        snakefile.workflow._rules |= {rule.name: rule for rule in rules}
        if raises:
            raise raises
        snakefile.workflow.included_stack.pop()
    return xom._tick.rule_errors.get(analysis, "")


def of(xom: Rules, analysis: str, **changes: Any) -> Any:
    """A good rule of an analysis, but for the changes."""
    made = {"name": analysis, "output": [xom.outcome(analysis)], "shellcmd": "{params.command}", "lineno": 4}
    return seam.rule(**{**made, "params": Params(fromdict={"command": xom.run(analysis)}), **changes})


def test_a_wrong_rule_file_costs_its_own_rules_only(snakefile: Snakefile) -> None:
    xom = snakefile.starts()
    file = snakefile.site.folder / "extra/rules/analyses/late.smk"
    assert include(snakefile, xom, "good", of(xom, "good")) == ""
    snakefile.workflow.linemaps["Snakefile"] = {4: 2}
    sentence = include(snakefile, xom, "late", of(xom, "late", shellcmd="true"), seam.rule(name="more"))
    assert sentence.startswith(f"{file}, line 2: shell of rule late runs no analysis")
    for changes, words in (
        ({"log": [xom.log("good")]}, "rule late makes the log of good; write xom.log('late')"),
        ({"benchmark": str(xom._benchmark("good"))}, "makes the benchmark of good; write xom.benchmark('late')"),
        ({"params": Params(fromdict={"command": xom.run("good")})}, "rule late runs good; write xom.run('late')"),
    ):
        assert include(snakefile, xom, "late", of(xom, "late", **changes)).endswith(words)
    snakefile.workflow.included_stack.append("Snakefile")
    assert include(snakefile, xom, "late", of(xom, "late"), raises=ValueError("odd")) == f"{file}: ValueError: odd"
    assert snakefile.workflow.included_stack == ["Snakefile"]
    assert list(snakefile.workflow._rules) == ["good"]


def test_an_error_in_a_shipped_rule_file_has_its_place_in_the_project(snakefile: Snakefile) -> None:
    snakefile.site.tree["analyses"]["kr83m"] = {"version": "v1"}
    assert include(snakefile, snakefile.starts(), "kr83m").startswith(
        "rules/analyses/kr83m.smk: no rule has the output"
    )


# --- the tick ---------------------------------------------------------------------------------------------------------
class StandInSteps:
    """Steps of a tick that only note themselves."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.code = 0

    def take(self, step: str, tick: Any) -> int:
        self.taken.append(step)
        return self.code

    def close(self) -> None:
        self.taken.append("closed")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInSteps]:
    """The steps of a tick that begins; what it changes in this process is put back."""
    made = StandInSteps()
    monkeypatch.setattr(module, "Steps", lambda: made)
    monkeypatch.setattr(Job, "is_pipe_or_service_input", lambda job, path: True)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def tick(snakefile: Snakefile, steps: StandInSteps) -> Rules:
    """A tick that has begun."""
    return snakefile.begins()


def test_a_tick_takes_its_steps_in_forks_of_this_process_and_anybody_else_by_their_commands(
    tick: Rules, steps: StandInSteps, snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick.take("discover")
    assert steps.taken == ["discover"]
    steps.code = 3
    with pytest.raises(subprocess.CalledProcessError) as error:
        tick.take("publish")
    assert (error.value.returncode, error.value.cmd) == (3, step_command("publish", tick.tick))
    commands: list[str] = []
    monkeypatch.setattr(module, "take_by_command", lambda step, files: commands.append(step) or 0)
    snakefile.starts(is_main_process=False).take("publish")
    assert (commands, steps.taken) == (["publish"], ["discover", "publish"])


def test_what_a_tick_claims_are_the_jobs_with_their_limits(tick: Rules, steps: StandInSteps) -> None:
    asked: list[bool] = []
    assert tick.pending(lambda: asked.append(True)) == []
    assert (asked, steps.taken) == ([True], []), "as with --touch, which runs nothing"
    assert tick.place_of("a step of the tick, before anything is claimed") == -1
    discover(tick.tick)
    made = [str(tick.tick.made(Key(name, "v1", "052001"))) for name in ("good", "late")]
    assert tick.pending(lambda: asked.append(True)) == made
    assert (asked, steps.taken) == ([True, True], ["closed"])
    assert [tick.place_of(one) for one in (*made, "another")] == [0, 1, -1]
    assert (tick.memory_mb("good")(RUN), tick.minutes("good")(RUN)) == (700, 62)
    command = tick.run("good")(RUN)
    assert command.endswith(f"job run {tick.tick.folder} good v1 052001")
    for function in (tick.memory_mb("good"), tick.minutes("good"), tick.run("good")):
        assert list(inspect.signature(function).parameters) == ["wildcards"]
    request = tick.job_request(made[0], command, {}, 1)
    assert (request.key, request.attempt, request.memory_mb, request.minutes) == (key_of(52001, "good"), 1, 700, 62)


def test_a_dry_run_lists_the_same_without_the_checkpoint(snakefile: Snakefile, tick: Rules) -> None:
    discover(tick.tick)
    made = tick.pending(lambda: None)
    tick.tick.claims.unlink()
    dry = snakefile.starts(dry=True, persistence=SimpleNamespace(save_iocache=..., iocache_path="nowhere"))
    listed = dry.pending(lambda: pytest.fail("a dry-run waits for no checkpoint"))
    assert [Path(one).parts[-3:] for one in listed] == [Path(one).parts[-3:] for one in made]
    assert snakefile.workflow.persistence.save_iocache() is None, "another account keeps no notes"


def test_a_dry_run_foresees_where_a_tick_takes_no_run_or_stops(
    snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("xomflow.workflow.discover.disk_troubles", lambda *_, **__: ["the disk is full"])
        assert snakefile.starts(dry=True).pending(lambda: None) == []
    assert printed(capsys)[-2:] == ["the disk is full", "0 runs to analyse"]
    change = MassChange(("good", "v1"), 10, {"052001": Fate.GONE}, Path("work/outcomes"))
    monkeypatch.setattr("xomflow.workflow.discover.mass_changes", lambda *_: (change,))
    with pytest.raises(SystemExit) as end:
        snakefile.starts(dry=True).pending(lambda: None)
    assert end.value.code == ExitCode.WAITS_FOR_PERSON


def test_a_job_that_could_not_be_started_is_a_failed_attempt_of_its_run_alone(tick: Rules) -> None:
    discover(tick.tick)
    made, _ = tick.pending(lambda: None)
    assert tick._tick.record_unstarted({made, "another output"}) == 1
    kinds = [
        [failure.kind for failure in failures_of(tick.paths, key_of(52001, name, "v1"))] for name in ("good", "late")
    ]
    assert kinds == [["not_started"], []]


def test_a_dry_run_says_whose_site_it_looks_at(
    snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tick_module, "other_owner", lambda folder: "kim")
    snakefile.starts(dry=True)
    (sentence,) = printed(capsys)
    assert "kim" in sentence
    snakefile.starts(is_main_process=False)
    assert printed(capsys) == []


def test_only_the_owner_of_a_site_runs_ticks_and_jobs_of_a_tick_do_not_ask(
    snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(account, "other_owner", lambda folder: "kim")
    assert snakefile.refused() == ExitCode.USAGE
    assert "only kim runs ticks and jobs here" in printed(capsys)[0]
    snakefile.starts(is_main_process=False)


@pytest.mark.parametrize("changes", [{}, {"dry": True}, {"is_main_process": False}])
def test_nothing_happens_in_a_folder_that_is_away_of_a_newer_version_or_under_maintenance(
    snakefile: Snakefile, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    paths = snakefile.site.paths
    paths.work.mkdir()
    paths.format.write_text("99")
    assert snakefile.refused(**changes) == ExitCode.CONFIGURATION
    assert "has layout 99, " in printed(capsys)[0]
    paths.format.unlink()
    begin(paths, Maintenance(Task.REMOVE, "late", "late-1"))
    assert snakefile.refused(**changes) == ExitCode.WAITS_FOR_PERSON
    assert "`xom remove late` was interrupted" in printed(capsys)[0]
    paths.maintenance.unlink()
    mark_folders(paths, local_store=True)
    mark(paths.outcomes).unlink()
    assert snakefile.refused(**changes) != ExitCode.OK
    assert printed(capsys)[0].partition(": ")[0].endswith("work/outcomes")


def test_only_a_tick_begins_in_a_folder_with_an_older_layout_which_it_converts(
    snakefile: Snakefile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tick_module, "check_format", partial(check_format, oldest=2))
    snakefile.site.paths.outcomes.mkdir(parents=True)
    snakefile.starts()
    for changes in ({"dry": True}, {"is_main_process": False}):
        assert snakefile.refused(**changes) == ExitCode.CONFIGURATION
        assert "run `snakemake`, which converts it" in printed(capsys)[0]


def test_a_tick_has_a_lock_while_it_lasts(tick: Rules) -> None:
    assert is_locked(tick.tick.lock)


def test_a_disk_that_takes_no_lock_ends_a_tick_with_a_sentence(
    snakefile: Snakefile, steps: StandInSteps, capsys: pytest.CaptureFixture[str]
) -> None:
    xom = snakefile.starts()
    xom.paths.ticks.parent.mkdir(exist_ok=True)
    xom.paths.ticks.symlink_to("nowhere/at/all")
    with pytest.raises(SystemExit) as end:
        xom.begin()
    assert end.value.code == ExitCode.STORE_OR_DISK
    assert "work/ticks" in printed(capsys)[0]


@pytest.mark.parametrize(("jobs", "warns"), [(4, True), (5, False), (None, False)])
def test_a_profile_with_fewer_jobs_than_max_running_is_warned_of(
    snakefile: Snakefile, steps: StandInSteps, capsys: pytest.CaptureFixture[str], jobs: int | None, warns: bool
) -> None:
    snakefile.site.tree["max_running"] = 5
    settings = SimpleNamespace(nodes=jobs, _parsed_default_resources={})
    snakefile.begins(resource_settings=settings, local_exec=False)
    sentence = "jobs of the profile, which is 4, bounds this tick before max_running, which is 5 in config.yaml"
    assert [line.partition(": ")[0] for line in printed(capsys)] == [sentence] * warns
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0, "its jobs are in Slurm, so it has a time limit"


def test_publishing_begins_without_a_look_at_all_jobs(tick: Rules) -> None:
    asks = [
        Job.is_pipe_or_service_input(SimpleNamespace(rule=SimpleNamespace(name=one)), "a")
        for one in ("publish", "good")
    ]
    assert asks == [False, True]


def test_the_end_of_a_tick_is_that_of_its_steps_too(
    tick: Rules, steps: StandInSteps, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        tick.end(failed=False)
    assert (end.value.code, steps.taken) == (ExitCode.USAGE, ["closed"])
    assert printed(capsys)[0].startswith("nothing was done, since Snakemake was asked for less than a tick")
    tick._close_steps()
    assert steps.taken == ["closed"]


def test_an_outcome_is_no_target(snakefile: Snakefile, capsys: pytest.CaptureFixture[str]) -> None:
    xom = snakefile.starts()
    with pytest.raises(SystemExit) as end:
        xom.refuse_target(SimpleNamespace(analysis="good", version="v1", run="052001"))
    assert end.value.code == ExitCode.USAGE
    (sentence,) = printed(capsys)
    assert sentence.startswith(f"{xom.paths.outcome(key_of(52001, 'good'))} is no target: a tick makes the outcomes")
    assert "`xom why 052001` shows the state" in sentence
