"""What `deploy/` starts ticks with: units of systemd, a line for cron, a job of Slurm that submits the next one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_servers.find import NoServerError
from local_servers.slurm import SlurmCluster
from support.mail import address_file, mail_server
from support.patience import PATIENCE
from support.site import Site, document
from support.slurm_site import GOOD, SlurmSite
from xomflow.core.paths import ROOT
from xomflow.workflow.ending.reported import ENDED, NO_MAIL

DEPLOY = ROOT / "deploy"
UNITS = ("xom.service", "xom.timer", "xom-failed@.service", "xom-watch.service", "xom-watch.timer")
SNAKEMAKE = "work/envs/workflow/bin/snakemake"
XOM = "work/envs/workflow/bin/xom"
Wait = Callable[..., None]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the project in it, whose Snakemake says where and how it was started."""
    program(tmp_path / "xom" / SNAKEMAKE, 'echo "$PWD: $*"')
    program(tmp_path / "xom" / XOM, 'echo "$PWD: $*"')
    return tmp_path


# --- systemd ----------------------------------------------------------------------------------------------------------


def verify(home: Path, folder: Path, *units: str) -> str:
    """What systemd has to say about units; its exit code is 0 even for keys that it does not know."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    command = ["systemd-analyze", "verify", "--user", "--man=no", *units]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stderr.strip()


def test_systemd_finds_nothing_wrong_with_the_units(home: Path) -> None:
    assert verify(home, DEPLOY, *UNITS) == ""


def test_a_wrong_unit_would_be_found(home: Path) -> None:
    units = home / "units"
    shutil.copytree(DEPLOY, units)
    service = units / "xom.service"
    service.write_text(service.read_text().replace("KillMode=", "KilMode=").replace("/snakemake", "/snake"))
    said = verify(home, units, "xom.service")
    assert "Unknown key 'KilMode'" in said
    assert "is not executable" in said


def test_a_mail_is_sent_when_it_is_due_and_goes_to_the_contacts_too(home: Path) -> None:
    """systemd passes the command on as it stands: it has nothing that systemd replaces but the name of the unit."""
    (line,) = [one for one in (DEPLOY / "xom-failed@.service").read_text().splitlines() if one.startswith("ExecStart=")]
    shell = line.removeprefix("ExecStart=/bin/sh -c '").removesuffix("'").replace("%i", "xom.service")
    assert not any(one in shell for one in ("%", "\\", "${", "'"))
    program(home / "bin/systemctl", '[ "$3" != is-failed ] || exec [ -e failed ]\ncat status')
    program(home / "bin/mail", 'cat > sent; echo "$*" >> sent')
    for failed, text, to in (
        (True, "something is wrong", "xom"),
        (True, "host snakemake: analyses.a is ...; contact: jane@example.org\nb ...; contact: Max", "xom jane@"),
        (True, f"a.service\nhost snakemake[1]: {REPORTED}", ""),
        (False, "all is well", ""),
        (False, f"host snakemake[1]: {ENDED}something was wrong", "xom"),
    ):
        (home / "status").write_text(text + "\n")
        (home / "failed").touch() if failed else (home / "failed").unlink(missing_ok=True)
        environment = {"PATH": f"{home / 'bin'}:{os.defpath}", "USER": "xom"}
        subprocess.run(["/bin/sh", "-c", shell], cwd=home, env=environment, check=True)
        lines = (home / "sent").read_text().splitlines() if (home / "sent").exists() else []
        assert lines[:-1] == (text.splitlines() if to else [])
        assert " ".join(lines[-1:]).startswith(f"-s XOM: xom.service {to}" if to else "")
        (home / "sent").unlink(missing_ok=True)


# --- cron -------------------------------------------------------------------------------------------------------------


def cron(home: Path, which: str = "snakemake") -> str:
    """Return what cron's line with a program prints, which cron mails."""
    lines = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and line[0] != "#"]
    variables = dict(line.split("=", 1) for line in lines if line[0].isalpha())
    (command,) = (line.split(" ", 5)[5] for line in lines if f"bin/{which}" in line)
    environment = {"HOME": str(home), "PATH": os.defpath, **variables}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd="/", env=environment, check=True, capture_output=True, text=True
    ).stdout


REPORTED = f"{NO_MAIL}what needs a person was reported at 2026-11-28T12:00:00Z"


@pytest.fixture
def timed(home: Path) -> Path:
    (home / "xom/deploy").symlink_to(DEPLOY)
    return home


def test_cron_mails_unless_all_is_well_or_only_runs_failed_or_it_was_reported(timed: Path) -> None:
    for code, last, mails in (
        *((0, "all is well", False), (7, "a run failed", False)),
        *((1, "a crash", True), (3, "a mistake", True), (8, "it waits", True), (127, "no such program", True)),
        *((6, REPORTED, False), (8, REPORTED, False), (0, f"{ENDED}a mistake", True), (7, f"{ENDED}it waits", True)),
    ):
        program(timed / "xom" / SNAKEMAKE, f"echo a line\necho {last!r} >&2\nexit {code}")
        assert cron(timed).splitlines() == (["a line", last, f"exit code {code}"] if mails else []), code


def test_crons_line_starts_a_tick_in_the_project_and_mails_its_last_lines_alone(timed: Path) -> None:
    (timed / "xom/work/tick.log").write_text("another tick\n")
    assert cron(timed) == ""
    log = f"another tick\n{timed / 'xom'}: --profile slurm\nexit code 0\n"
    assert (timed / "xom/work/tick.log").read_text() == log
    program(timed / "xom" / SNAKEMAKE, "seq 100; exit 1")
    assert cron(timed).splitlines() == [*map(str, range(62, 101)), "exit code 1"]


def test_crons_line_for_the_watch_mails_news_only(home: Path) -> None:
    program = home / "xom" / XOM
    for code, mails in ((0, False), (3, True), (7, False), (8, True)):
        program.write_text(f'#!/bin/sh\necho "$PWD: $*"\nexit {code}\n')
        assert cron(home, "xom") == (f"{home / 'xom'}: watch\n" if mails else ""), code


# --- Slurm ------------------------------------------------------------------------------------------------------------


# The job itself waits until the next one is submitted or the test declares its ten minutes over, however busy the
# machine is; what it started in the background to submit the next one waits a moment.
SLEEP = """set -- $(cat /proc/$PPID/stat)
[ "$4" = "$TEST_PID" ] || exec /bin/sleep 0.05
until [ -e waiting ] || [ -e over ]; do /bin/sleep 0.05; done"""


class Chain:
    """A job of the chain of ticks; the programs in the place of Slurm's and of Snakemake write what they are asked."""

    def __init__(self, home: Path) -> None:
        self.folder, programs = home / "xom", home / "bin"
        program(programs / "squeue", "cat waiting 2> /dev/null")
        program(programs / "sbatch", '[ -e open ] || exit 1; echo "$PWD" > waiting; echo submitted >> said')
        program(programs / "scontrol", 'echo "$*" >> said')
        program(programs / "sleep", SLEEP)
        program(self.folder / SNAKEMAKE, "echo tick >> said; exit 7")
        (self.folder / "deploy").symlink_to(DEPLOY)
        own = {"PATH": f"{programs}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(self.folder), "SLURM_JOB_ID": "17"}
        self.environment = {**os.environ, **own, "TEST_PID": str(os.getpid())}

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/bash", "deploy/tick.sbatch"], cwd=self.folder, env=self.environment)

    def said(self) -> list[str]:
        return (self.folder / "said").read_text().splitlines() if (self.folder / "said").exists() else []


def test_a_tick_runs_while_slurm_refuses_the_next_one_which_is_submitted_later(home: Path, wait_for: Wait) -> None:
    chain = Chain(home)
    job = chain.start()
    wait_for(lambda: chain.said() == ["tick"])
    (chain.folder / "open").touch()
    assert job.wait(PATIENCE) == 7
    assert chain.said() == ["tick", "submitted"]


def test_where_slurm_takes_no_job_after_the_tick_it_starts_the_same_one_again(home: Path) -> None:
    chain = Chain(home)
    (chain.folder / "over").touch()
    assert chain.start().wait(PATIENCE) == 7
    assert chain.said() == ["tick", "requeue 17"]


def test_the_chain_of_a_site_with_a_folder_of_its_own_uses_the_version_that_is_current(home: Path) -> None:
    chain, site = Chain(home), home / "site"
    site.mkdir()
    program(home / "bin/sbatch", 'echo "$PWD" > waiting; shift 2; echo "$@" >> said')
    program(chain.folder / SNAKEMAKE, 'echo "$@" >> said')
    own = {"SLURM_SUBMIT_DIR": str(site), "XOM_CODE": str(chain.folder)}
    code = chain.folder
    subprocess.run(["/bin/bash", code / "deploy/tick.sbatch"], env={**chain.environment, **own}, check=True)
    said = sorted((site / "said").read_text().splitlines())
    assert said == [f"--snakefile {code}/Snakefile --profile {code}/slurm", f"{code}/deploy/tick.sbatch"]


def test_a_chain_that_was_started_twice_has_one_next_job(home: Path) -> None:
    chain = Chain(home)
    (chain.folder / "waiting").write_text(f"{chain.folder}\n")
    (chain.folder / "open").touch()
    assert chain.start().wait(PATIENCE) == 7
    assert chain.said() == ["tick"]


def test_a_tick_is_asked_to_end_when_the_time_of_its_job_is_up(home: Path, wait_for: Wait) -> None:
    chain = Chain(home)
    program(chain.folder / SNAKEMAKE, "trap 'echo ends >> said; exit 5' TERM\necho tick >> said\nwhile :; do :; done")
    job = chain.start()
    wait_for(lambda: chain.said() == ["tick"])
    job.terminate()
    assert job.wait(PATIENCE) == 5
    assert chain.said() == ["tick", "ends", "requeue 17"]


@pytest.fixture
def roomy_slurm() -> Iterator[SlurmCluster]:
    """A cluster with room for ticks beside their jobs."""
    try:
        cluster = SlurmCluster(memory_mb=4000)
    except NoServerError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def place(site: Site, roomy_slurm: SlurmCluster) -> SlurmSite:
    made = SlurmSite(site, roomy_slurm.access)
    (site.folder / "deploy").symlink_to(DEPLOY)
    real = Path(sys.executable).with_name("snakemake")
    # The job names the Snakefile of its folder; the last one counts.
    arguments = f'"$@" -s {ROOT / "Snakefile"} --seconds-between-status-checks 1 --latency-wait 5'
    program(site.folder / SNAKEMAKE, f"exec {real} {arguments}")
    made.environment["XOM_INTERVAL"] = "30minutes"
    made.analysis("good", GOOD)
    site.runs([52001])
    site.write_config()
    return made


def submit(place: SlurmSite) -> None:
    command = ["sbatch", "deploy/tick.sbatch"]
    subprocess.run(command, cwd=place.site.folder, env=place.environment, check=True, capture_output=True)


def ticks(place: SlurmSite, states: str) -> list[str]:
    said = place.slurm.run("squeue", "--noheader", "--name=xom-tick", f"--states={states}", "--format=%i %S").stdout
    return said.splitlines()


@pytest.mark.nightly
def test_a_tick_in_slurm_does_its_work_and_submits_the_next(place: SlurmSite, wait_for: Wait) -> None:
    submit(place)
    wait_for(lambda: ticks(place, "COMPLETED,FAILED"))
    assert place.site.done("good") == {52001}
    (waiting,) = ticks(place, "PENDING")
    assert not waiting.endswith("N/A")
    assert "this tick: 1 of 1 runs done" in (place.site.work / "tick.log").read_text()


@pytest.mark.nightly
def test_a_second_chain_of_ticks_ends_by_itself(place: SlurmSite, wait_for: Wait) -> None:
    submit(place)
    wait_for(lambda: ticks(place, "PENDING") and ticks(place, "COMPLETED,FAILED"))
    submit(place)
    wait_for(lambda: len(ticks(place, "COMPLETED,FAILED")) == 2)
    assert len(ticks(place, "PENDING")) == 1


@pytest.mark.nightly
def test_another_folder_has_a_chain_of_ticks_of_its_own(place: SlurmSite, tmp_path: Path, wait_for: Wait) -> None:
    submit(place)
    wait_for(lambda: ticks(place, "PENDING") and ticks(place, "COMPLETED,FAILED"))
    other = tmp_path / "another xom"
    program(other / SNAKEMAKE, "true")
    (other / "deploy").symlink_to(DEPLOY)
    subprocess.run(["sbatch", "deploy/tick.sbatch"], cwd=other, env=place.environment, check=True, capture_output=True)
    wait_for(lambda: len(ticks(place, "COMPLETED,FAILED")) == 2)
    assert len(ticks(place, "PENDING")) == 2


@pytest.mark.nightly
def test_a_tick_in_slurm_that_is_asked_to_end_reports(place: SlurmSite, wait_for: Wait) -> None:
    place.analysis("patient", "while not os.path.exists('go'): time.sleep(0.05)\n" + GOOD)
    place.site.write_config()
    submit(place)
    wait_for(lambda: place.site.done("good"))
    (tick,) = ticks(place, "RUNNING")
    place.slurm.run("scancel", "--batch", "--signal=TERM", tick.split()[0])
    wait_for(lambda: ticks(place, "COMPLETED,FAILED"))
    assert "1 runs go on in Slurm" in (place.site.work / "tick.log").read_text()
    (place.site.folder / "go").touch()
    wait_for(lambda: place.site.done("patient"))


@pytest.mark.nightly
def test_a_tick_in_slurm_tells_people(place: SlurmSite, wait_for: Wait) -> None:
    with mail_server() as mails:
        path = address_file(place.site.folder, addresses=[mails.url("shift@example.org")])
        place.site.tree["notify"] = {"addresses": str(path), "digest_hour": None}
        place.analysis("broken", "raise KeyError('no peak')")
        place.site.tree["retries"] = {"attempts": 1}
        end = datetime.now(UTC) - timedelta(hours=1)
        place.site.runs([document(52001, end={"$date": f"{end:%Y-%m-%dT%H:%M:%SZ}"})])
        place.site.write_config()
        submit(place)
        wait_for(lambda: ticks(place, "COMPLETED,FAILED"))
        (text,) = mails.texts_to("shift@example.org")
    assert text.startswith("XOM: broken gave up on run 052001")
