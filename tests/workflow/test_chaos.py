"""Random troubles in random order: at any time nothing wrong is published, and at the end nothing is missing."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from chaos_world import Published, World

from support.forked_slurm import ForkedSlurm
from support.in_process import Done, FastSite, fork
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import mark
from xomflow.slurm import open_batch_system

ANOTHER = 61002
SECONDS = 200.0

# A trouble lasts for one tick and gives the exit codes that explain how the tick may end.
Trouble = Callable[[World], AbstractContextManager[set[int]]]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own that can be filled, and that other accounts see; where none can be mounted, a folder."""
    with tempfile.TemporaryDirectory(prefix="xom-chaos-") as place:
        disk = Path(place, "disk")
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
        mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
        disk.chmod(0o755)
        disk.parent.chmod(0o755)
        yield disk
        if mounted:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


# --- troubles ---------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def none(world: World) -> Iterator[set[int]]:
    yield {ExitCode.OK}


@contextlib.contextmanager
def half_documents(world: World) -> Iterator[set[int]]:
    """An export of the run documents is under way."""
    file = world.site.folder / "runs.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: world.chance.randrange(1, len(whole) - 2)])
    yield {ExitCode.OK, ExitCode.RUN_DATABASE}
    file.write_bytes(whole)


@contextlib.contextmanager
def away(world: World, folder: Path) -> Iterator[set[int]]:
    """Something that is mounted below `work` is not there: its folder is empty."""
    if not folder.is_dir():
        yield {ExitCode.OK}
        return
    aside = folder.with_name(f"{folder.name}-mounted-elsewhere")
    folder.rename(aside)
    folder.mkdir()
    yield {ExitCode.STORE_OR_DISK}
    assert list(folder.iterdir()) == [], "something was written into the empty mount point"
    folder.rmdir()
    aside.rename(folder)


def folder_away(world: World) -> AbstractContextManager[set[int]]:
    paths = world.site.paths
    places = [paths.outcomes, paths.store, paths.all_figures, paths.decisions, paths.work]
    return away(world, world.chance.choice(places))


@contextlib.contextmanager
def folder_of_another_site(world: World) -> Iterator[set[int]]:
    """A link leads to the folder of another `work`, which nobody may touch."""
    paths = world.site.paths
    folder = world.chance.choice([paths.outcomes, paths.store, paths.all_figures, paths.decisions])
    other, aside = world.site.folder / "other" / folder.name, folder.with_name(f"{folder.name}-mounted-elsewhere")
    other.mkdir(parents=True)
    mark(other).write_text("id of-another\n")
    folder.rename(aside)
    folder.symlink_to(other)
    yield {ExitCode.STORE_OR_DISK}
    assert list(other.iterdir()) == [mark(other)] and mark(other).read_text() == "id of-another\n"
    folder.unlink()
    aside.rename(folder)
    shutil.rmtree(other.parent)


@contextlib.contextmanager
def read_only_disk(world: World) -> Iterator[set[int]]:
    """The disk has a fault, and the kernel lets nobody write any more."""
    disk = str(world.site.folder.parent)
    remount = ["mount", "-o", "remount,ro", disk]
    if not os.path.ismount(disk) or subprocess.run(remount, check=False, capture_output=True).returncode != 0:
        yield {ExitCode.OK}  # no disk of its own, or a job that writes
        return
    yield {ExitCode.STORE_OR_DISK}
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@contextlib.contextmanager
def odd_file(world: World) -> Iterator[set[int]]:
    """A file of the record-keeping is damaged, as after a crash of a file server."""
    kept = [path for part in ("cache", "ledger", "ticks", "locks") for path in (world.site.work / part).rglob("*")]
    files = sorted(path for path in kept if path.is_file() and path.name != "lock")
    if files:
        world.chance.choice(files).write_bytes(world.chance.choice([b"", b"\0" * 100, b"{}", b"[1", b"\xff\xfe"]))
    yield {ExitCode.OK}


@contextlib.contextmanager
def full_disk(world: World) -> Iterator[set[int]]:
    """Nothing can be written any more."""
    if not os.path.ismount(world.site.folder.parent):
        yield {ExitCode.OK}
        return
    filler = world.site.folder.parent / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(16))
    yield {ExitCode.OK, ExitCode.STORE_OR_DISK}
    filler.unlink()


@contextlib.contextmanager
def damaged_outcome(world: World) -> Iterator[set[int]]:
    """A file server has lost the content of an outcome."""
    files = [path for path in sorted(world.site.paths.outcomes.glob("*/v1/*/*.json")) if ".failed-" not in path.name]
    world.chance.choice(files).write_bytes(world.chance.choice([b"", b"\0" * 500, b"{}"]))
    yield {ExitCode.OK, ExitCode.STORE_OR_DISK}


@contextlib.contextmanager
def another_account(world: World) -> Iterator[set[int]]:
    """The site belongs to another account: a tick of this one changes nothing."""
    if os.geteuid() != 0:
        yield {ExitCode.OK}
        return
    before = listing(world)
    os.chown(world.site.work, 12345, -1)
    yield {ExitCode.USAGE, ExitCode.CONFIGURATION}
    os.chown(world.site.work, 0, -1)
    assert listing(world) == before


@contextlib.contextmanager
def second_account(world: World) -> Iterator[set[int]]:
    """Another account looks, starts a tick and has left a decision, which it may not make: none of it counts."""
    if os.geteuid() != 0:
        yield {ExitCode.OK}
        return
    good = world.chance.choice([run for run in world.good_runs() if world.runs[int(run)].seen])  # known to XOM
    vetoed = world.site.xom("veto", good, "--yes", "--why", "made by another account")
    assert vetoed.returncode == 0, vetoed.stderr
    made = max(world.site.paths.decisions.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    os.chown(made, ANOTHER, ANOTHER)
    before = listing(world)
    refused, looked = world.site.tick_of(ANOTHER), world.site.xom_of(ANOTHER, "status")
    # Where the interpreter is in root's home, another account does not see it.
    assert refused.returncode in (ExitCode.USAGE, ExitCode.CONFIGURATION), refused.stderr
    assert looked.returncode in (ExitCode.OK, ExitCode.RUN_DATABASE, ExitCode.CONFIGURATION), looked.stderr
    assert "Traceback" not in refused.stderr + looked.stderr
    assert listing(world) == before
    yield {ExitCode.OK}
    made.unlink()


@contextlib.contextmanager
def odd_slurm(world: World, how: str, explained: set[int]) -> Iterator[set[int]]:
    """Slurm is away, replaces comments, or gives no numbers."""
    mark = world.slurm / how
    mark.touch()
    yield explained
    mark.unlink()


def comments_rewritten(world: World) -> AbstractContextManager[set[int]]:
    return odd_slurm(world, "rewrites", {ExitCode.OK})


def slurm_away(world: World) -> AbstractContextManager[set[int]]:
    return odd_slurm(world, "away", {ExitCode.OK, ExitCode.SLURM})


def numbers_missing(world: World) -> AbstractContextManager[set[int]]:
    return odd_slurm(world, "mumbles", {ExitCode.OK, ExitCode.SLURM})


@contextlib.contextmanager
def comments_rewritten_and_numbers_missing(world: World) -> Iterator[set[int]]:
    """A job can be found by its name alone."""
    with comments_rewritten(world), numbers_missing(world) as explained:
        yield explained


@contextlib.contextmanager
def jobs_queue(world: World) -> Iterator[set[int]]:
    """Jobs wait in Slurm, which replaces their comments, while one tick ends and the next one looks for work."""
    with comments_rewritten(world), odd_slurm(world, "queue", {ExitCode.OK}) as explained:
        world.site.tick_limit = 0.3
        done = tick(world)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        yield explained
    world.site.tick_limit = FastSite.tick_limit


def listing(world: World) -> dict[str, int]:
    """Return every file below `work` with the time of its last change."""
    return {str(path): path.stat().st_mtime_ns for path in world.site.work.rglob("*") if path.is_file()}


TROUBLES: list[Trouble] = [
    *[none] * 4,
    half_documents,
    folder_away,
    folder_away,
    folder_of_another_site,
    read_only_disk,
    odd_file,
    full_disk,
    damaged_outcome,
    another_account,
    second_account,
]
TROUBLES_OF_SLURM: list[Trouble] = [
    *[comments_rewritten, jobs_queue] * 3,
    slurm_away,
    numbers_missing,
    comments_rewritten_and_numbers_missing,
]


# --- steps ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """What was done in a step, for the report of a failure."""

    changes: list[str]
    trouble: str
    said: str = ""


def tick(world: World) -> Done:
    """Run a tick; where the brake stops it, look and accept, as a person would."""
    done = world.site.tick()
    if done.returncode == ExitCode.WAITS_FOR_PERSON:
        accepted = world.site.xom("accept", "--yes", "--why", "the change is meant")
        assert accepted.returncode == 0, accepted.stderr
        done = world.site.tick()
    return done


def kill_a_tick(world: World) -> None:
    """Kill a tick and everything that it started, at any moment."""

    def alone() -> int:
        os.setsid()
        return world.site.tick().returncode

    pid = fork(alone)
    time.sleep(world.chance.uniform(0.0, 0.8))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for process in world.site.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def check(world: World, before: dict[str, Published], published: dict[str, Published]) -> None:
    """Compare what is published with the truth and with what was published before."""
    excluded = world.excluded()
    for analysis, results in published.items():
        runs = [run for members in results for run in members]
        assert len(runs) == len(set(runs)), f"{analysis}: a run is in two results: {sorted(results)}"
        if analysis == "sums":  # the result of one run stays, with its tags
            assert not excluded & set(runs), f"an excluded run is published: {excluded & set(runs)}"
        stay = [members for members in before[analysis] if not excluded & set(members)]
        assert len(runs) >= sum(map(len, stay)), (
            f"{analysis}: fewer runs have replaced more: {stay} -> {sorted(results)}"
        )


def look(world: World) -> None:
    """Look at the site as people do in the middle of a trouble: there is an answer or a sentence, never a traceback."""
    words = world.chance.choice([["status"], ["why", str(world.chance.choice(sorted(world.runs)))], ["verify"]])
    done = world.site.xom(*words)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert done.returncode != ExitCode.UNFORESEEN, done.stderr


@pytest.mark.nightly
@pytest.mark.parametrize(("together", "in_slurm"), [(1, False), (5, False), (1, True)], ids=["1", "5", "in Slurm"])
def test_after_any_troubles_everything_is_as_it_should_be(
    small_disk: Path, together: int, in_slurm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(small_disk.parent))  # of the node, for jobs that runs share
    seed = int(os.environ.get("XOM_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
    print("XOM_CHAOS_SEED", seed)
    (small_disk / "site").mkdir()
    world = World(FastSite(small_disk / "site"), random.Random(seed))
    world.site.together, world.site.in_slurm = together, in_slurm
    slurm = ForkedSlurm(world.slurm, world.site.paths.ticks)
    monkeypatch.setattr(open_batch_system, "Slurm", lambda _: slurm)
    troubles = TROUBLES + TROUBLES_OF_SLURM * in_slurm
    assert tick(world).returncode == ExitCode.OK
    until = time.monotonic() + float(os.environ.get("XOM_CHAOS_SECONDS", SECONDS))
    while time.monotonic() < until:
        before = world.published()
        changes = [world.change() for _ in range(40 if world.chance.random() < 0.05 else world.chance.randrange(4))]
        if world.chance.random() < 0.15:
            kill_a_tick(world)
        trouble = world.chance.choice(troubles)
        print(trouble.__name__, *changes, sep="\n    ")
        with trouble(world) as explained:
            if world.chance.random() < 0.3:
                look(world)
            done = tick(world)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        if "set_aside" in done.stderr:  # a damaged outcome may be found by a later tick
            explained.add(ExitCode.STORE_OR_DISK)
        assert done.returncode in explained, done.stderr
        if trouble is none and "set_aside" not in done.stderr:
            check(world, before, world.published())
    settle(world)
    assert not (world.slurm / "twice").exists(), "a job was submitted again while Slurm had it"


def settle(world: World) -> None:
    """Let all troubles end and ticks run until nothing is pending; then everything is as it should be."""
    world.show_all()
    for _ in range(20):
        done = tick(world)
        found_damage = "set_aside" in done.stderr  # of an outcome that no tick has looked at since
        assert done.returncode == (ExitCode.STORE_OR_DISK if found_damage else ExitCode.OK), done.stderr
        if not world.site.claimed() and not found_damage:
            break
    published, good = world.published(), world.good_runs()
    assert published["sums"] == set(world.campaigns())
    assert {(run,) for run in good} <= published["single"]
    assert world.site.pending() == set()
    verified = world.site.xom("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
