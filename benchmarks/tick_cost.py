"""Cost of the workflow itself: ticks, dry-runs, single runs, availability; relative to something in the same run.

``python benchmarks/tick_cost.py [--runs 1000,10000,60000] [--repeat 3] [--only idle,dry,overhead,availability]
[--beside CHECKOUT]``, under the workflow interpreter. What is measured, and what came out: ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from beside import OtherSite
from costs import Cost, Series, adopt_orphans, interleaved, load, measure, say, table
from synthetic import ANALYSES, FIRST_RUN, ROOT, idle_site, write_data, write_documents

from support.site import Site
from xomflow.config.model import Context
from xomflow.config.software import Program, environment
from xomflow.core.key import run_id
from xomflow.core.paths import Paths, TickPaths
from xomflow.planning.progress.claims import hold_tick
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.folder_listings import FolderListings
from xomlib.files import dump_json

PENDING_PER_ANALYSIS = 100
TYPES = ("peak_basics", "event_basics", "event_info")
SAMPLE = 300
MORE_FRONTENDS = 13  # a site has about 14 in all
PARTS = ("idle", "dry", "overhead", "availability")
EMPTY = "rule all:\n    default_target: True\n"
JOBS = """    input: expand("made/{{run}}", run=range({jobs}))
rule one:
    output: "made/{{run}}"
    shell: "touch {{output}}"
"""
CHANGED = 20
_BESIDE = "beside: "
RUN_FLOOR, DRY_FLOOR = "floor: empty Snakefile", "floor: empty Snakefile, -n"

# Name: warm start, number of runs, what the script does before it saves a number.
MODES: dict[str, tuple[bool, int, str]] = {
    "warm start, straxen preloaded": (True, 40, "import straxen"),
    "cold, script imports straxen": (False, 10, "import straxen"),
    "cold, script imports nothing": (False, 40, ""),
}


# --- ticks and dry-runs -----------------------------------------------------------------------------------------------
def ticks_and_dry_runs(
    folder: Path, sizes: list[int], parts: set[str], repeat: int, beside: Path | None
) -> Iterator[str]:
    """Measure idle ticks and dry-runs at each size of site, also those of another checkout; yield the tables."""
    for runs in sizes:
        site, seconds = idle_site(folder / f"{runs}_runs", runs, PENDING_PER_ANALYSIS)
        built = "was there already" if seconds is None else f"built in {seconds:.0f} s"
        yield f"## {runs:,} runs x {len(ANALYSES)} analyses ({built}; {load()})"
        yield from first_ticks(site, seconds)
        things = parts_of(site, parts)
        if beside:
            other = OtherSite(beside, folder / f"{runs}_runs_beside", runs, PENDING_PER_ANALYSIS)
            yield from (f"Beside: {words}" for words in first_ticks(other, other.seconds))
            things |= {_BESIDE + name: thing for name, thing in parts_of(other, parts).items()}
        series = interleaved(things, repeat)
        yield ratios({name: one for name, one in series.items() if not name.startswith(_BESIDE)})
        if beside:
            others = {name[len(_BESIDE) :]: one for name, one in series.items() if name.startswith(_BESIDE)}
            yield f"{beside}, measured in turn with it:"
            yield ratios(others)
            yield f"Both, relative to the floor of each; beside: {beside}"
            yield both(series, others)
        if "idle" in parts:
            yield steps(site, repeat)
        yield f"At the end: {load()}."


def first_ticks(site: Site | OtherSite, seconds: float | None) -> Iterator[str]:
    """Let everything be known to ticks; yield what that cost if the site is new."""
    first = tick(site)
    judged = all_judged(site) if isinstance(site, Site) else None
    second = tick(site)
    if seconds is not None:
        yield f"The first tick, which publishes all of them: {_words(first)}; the second: {_words(second)}."
    if seconds is not None and judged is not None:
        yield f"To judge all results, which is done before the second: {_words(judged)}."


def all_judged(site: Site) -> Cost:
    """Judge all results; else ticks would go on with it while they are measured."""
    command = [sys.executable, str(Path(__file__).with_name("judged.py"))]
    return measure(command, site.folder, site.folder / "judged.log")


def parts_of(site: Site | OtherSite, parts: set[str]) -> dict[str, Callable[[], Cost]]:
    """Return what is measured of ticks and dry-runs, by name."""
    things: dict[str, Callable[[], Cost]] = {RUN_FLOOR: partial(floor, site), DRY_FLOOR: partial(floor, site, "-n")}
    pending = PENDING_PER_ANALYSIS * len(ANALYSES)
    if "idle" in parts:  # the changed one first: it leaves everything known for the others
        things["idle tick, documents changed"] = partial(tick, site, changed=True)
        things["idle tick"] = partial(tick, site)
        if isinstance(site, Site):
            things["idle tick, --profile slurm"] = partial(tick, site, "--profile", str(ROOT / "profiles" / "slurm"))
    if "dry" in parts:
        things[f"floor: Snakefile with {pending:,} jobs, -n"] = partial(floor, site, "-n", jobs=pending)
        things["-n, nothing pending"] = partial(tick, site, "-n")
        things["-n, nothing pending, documents changed"] = partial(tick, site, "-n", changed=True)
        things[f"-n, {pending:,} pending"] = partial(tick, site, "-n", documents="more.jsonl")
        things[f"-n -q, {pending:,} pending"] = partial(tick, site, "-n", "-q", documents="more.jsonl")
    return things


def tick(site: Site | OtherSite, *arguments: str, documents: str = "runs.jsonl", changed: bool = False) -> Cost:
    """Measure one invocation of Snakemake on the site."""
    site.tree["rundb"]["file"] = documents
    site.write_config()
    with renewed(site.folder / documents, changed, for_good="-n" not in arguments):
        return measure(site.command(*arguments), site.folder, site.folder / "tick.log")


def dry_run_after_a_tick(site: Site) -> Cost:
    """Measure a dry-run of what a tick has looked at and not begun: the operator asks between two ticks."""
    step(site, ["discover"], documents="more.jsonl")
    return tick(site, "-n", documents="more.jsonl")


@contextlib.contextmanager
def renewed(file: Path, really: bool, for_good: bool = True) -> Iterator[None]:
    """Change the newest 20 run documents and let a run begin; afterwards, unless it is for good, all is as before.

    The time of the file goes back by a second, not to the present: what is too young is not relied on by the next tick.
    """
    before = file.stat()
    place, tail = _tail(file)
    if really:
        token = str(time.time_ns())
        documents = [json.loads(line) | {"comments": [{"comment": token}]} for line in tail.splitlines()]
        if "end" in documents[-1]:
            documents.append({**documents[-1], "number": documents[-1]["number"] + 1})
            del documents[-1]["end"]
        _put(file, place, "".join(f"{json.dumps(one)}\n" for one in documents).encode())
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns - 10**9))
    yield
    if not for_good:
        _put(file, place, tail)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _tail(file: Path) -> tuple[int, bytes]:
    """Return the newest documents of a file and their place; this process stays small."""
    with file.open("rb") as lines:
        tail = b"".join(deque(lines, CHANGED))
    return file.stat().st_size - len(tail), tail


def _put(file: Path, place: int, content: bytes) -> None:
    with file.open("r+b") as lines:
        lines.seek(place)
        lines.truncate()
        lines.write(content)


def floor(site: Site | OtherSite, *arguments: str, jobs: int = 0) -> Cost:
    """Measure Snakemake itself: the same profile, a Snakefile with one rule that does nothing, or with so many jobs."""
    folder = site.folder / "floor"
    folder.mkdir(exist_ok=True)
    (folder / "Empty").write_text(EMPTY + (JOBS.format(jobs=jobs) if jobs else ""))
    project = site.project if isinstance(site, OtherSite) else ROOT
    profile = ["--workflow-profile", str(project / "profiles" / "default")]
    return measure([site.command()[0], "-s", "Empty", *profile, *arguments], folder, folder / "floor.log")


def ratios(series: dict[str, Series]) -> str:
    """Return the table of ticks and dry-runs; ratios are of the least of each."""
    headings = ["", "CPU s", "median", "wall s", "median", "CPU / floor", "wall / floor", "CPU / -n", "wall / -n"]
    rows = []
    for name, one in series.items():
        row: list[Any] = [name]
        for what in ("cpu", "wall"):
            row += [one.least(what), one.median(what)]
        for base in (RUN_FLOOR, DRY_FLOOR):
            row += [one.least(what) / series[base].least(what) for what in ("cpu", "wall")]
        rows.append(row)
    return table(headings, rows)


def both(ours: dict[str, Series], others: dict[str, Series]) -> str:
    """Return the table of what this checkout and another one need, relative to the floor of each."""
    rows = []
    for name in ours.keys() & others.keys():
        base = DRY_FLOOR if name.startswith("-n") else RUN_FLOOR
        row: list[Any] = [name, base]
        for series in (ours, others):
            row += [series[name].least(what) / series[base].least(what) for what in ("cpu", "wall")]
        rows.append(row)
    headings = ["", "relative to", "CPU / floor", "wall / floor", "beside: CPU / floor", "beside: wall / floor"]
    return table(headings, sorted(rows, key=lambda row: list(ours).index(row[0])))


def steps(site: Site, repeat: int) -> str:
    """Measure the steps of a tick as programs of their own, which no tick starts; last a dry-run of what is pending."""
    pending = f"discover, {PENDING_PER_ANALYSIS * len(ANALYSES):,} pending"
    things = {
        "discover, documents changed": partial(step, site, ["discover"], changed=True),
        "discover": partial(step, site, ["discover", "discover"]),
        "publish": partial(step, site, ["discover", "publish"]),
        pending: partial(step, site, ["discover"], documents="more.jsonl"),
        "discover, a new version of all": partial(step, site, ["discover"], raised_to="v2"),
        "the same in the next tick": partial(step, site, ["discover", "discover"], raised_to="v2"),
        "publish, documents changed": partial(step, site, ["discover", "publish"], changed=True),
        "-n, all known to a tick before": partial(dry_run_after_a_tick, site),
    }
    series = interleaved(things, repeat)
    rows = [
        [name, *(one.least(what) for what in ("cpu", "wall")), max(cost.peak_mb for cost in one.costs)]
        for name, one in series.items()
    ]
    return table(["step of a tick, as a program", "CPU s", "wall s", "peak MB"], rows)


def step(
    site: Site, verbs: list[str], documents: str = "runs.jsonl", raised_to: str = "v1", changed: bool = False
) -> Cost:
    """Measure the last of some steps of a tick that stands still otherwise."""
    tree = {**site.tree, "rundb": {"kind": "file", "file": documents}}
    tree["analyses"] = {name: {**block, "version": raised_to} for name, block in tree["analyses"].items()}
    files = TickPaths(site.paths.tick("benchmark"))
    try:
        with hold_tick(files), renewed(site.folder / documents, changed):
            dump_json(files.settings, {"configuration": tree, "wrong": {}})
            commands = [[sys.executable, "-m", "xomflow", "job", verb, str(files.folder)] for verb in verbs]
            return [measure(command, site.folder, site.folder / "step.log") for command in commands][-1]
    finally:
        shutil.rmtree(files.folder)


# --- one run ----------------------------------------------------------------------------------------------------------
def overhead(folder: Path, interpreter: Path, repeat: int) -> Iterator[str]:
    """Measure what a run costs beyond its analysis on the local executor; yield the table."""
    yield f"## Cost of a run beyond its analysis ({load()})"
    rows = []
    for name, (warm, jobs, body) in MODES.items():
        site = run_site(folder / name.replace(" ", "_").replace(",", ""), interpreter, warm, body)
        first = take(site, FIRST_RUN, 2)  # what is compiled and cached once belongs to no run
        say(f"  {name}, first two runs: {_words(first)}")
        starts = iter(range(FIRST_RUN + 2, 10**6, jobs))
        series = interleaved({"idle tick": partial(tick, site), name: partial(take_next, site, starts, jobs)}, repeat)
        idle, busy = series["idle tick"], series[name]
        per_run = [(busy.least(what) - idle.least(what)) / jobs for what in ("cpu", "wall")]
        median = (busy.median("cpu") - idle.median("cpu")) / jobs
        rows.append([name, str(jobs), idle.least("cpu"), busy.least("cpu"), per_run[0], median])
        rows[-1] += [busy.median("outlived") / jobs or None, own_cpu(site), per_run[1]]
    headings = ["", "runs", "idle tick CPU s", "tick CPU s", "CPU s per run", "median", "of it preloaded process"]
    yield table([*headings, "of it in analysis processes", "wall s per run"], rows)
    yield f"At the end: {load()}."


def run_site(folder: Path, interpreter: Path, warm: bool, body: str) -> Site:
    """Return a new site with one analysis that does next to nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    site = Site(folder)
    site.tree["software"] = [{"interpreter": str(interpreter)}]
    site.tree["context"] = {"function": "straxen:nobody_asks"}
    site.tree["warm_start"] = {"enabled": warm}
    site.analysis("trivial", f"{body}\nxomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
    return site


def take(site: Site, first: int, jobs: int) -> Cost:
    """Let ``jobs`` more runs appear and measure the tick that analyses them."""
    write_documents(site.folder / "runs.jsonl", range(FIRST_RUN, first + jobs))
    cost = tick(site)
    expected = set(range(FIRST_RUN, first + jobs))
    if site.done("trivial") != expected:
        raise SystemExit(f"{len(expected - site.done('trivial'))} runs are not done in {site.folder}")
    return cost


def take_next(site: Site, starts: Iterator[int], jobs: int) -> Cost:
    """Take the runs from the next start on."""
    return take(site, next(starts), jobs)


def own_cpu(site: Site) -> float:
    """Return the mean CPU seconds that the analyses' own processes noted in their outcomes."""
    spent = [site.outcome("trivial", number)["resources"]["cpu_s"] for number in site.done("trivial")]
    return float(sum(spent) / len(spent))


# --- availability -----------------------------------------------------------------------------------------------------
def availability(folder: Path, interpreter: Path, runs: int, repeat: int) -> Iterator[str]:
    """Measure asking for all runs at once against asking strax for each; yield the tables."""
    ids = [run_id(number) for number in range(FIRST_RUN, FIRST_RUN + runs)]
    arguments = {"output_folder": str(folder / "data")}
    seconds = data_site(folder, interpreter, ids, arguments)
    built = "were there already" if seconds is None else f"built in {seconds:.0f} s"
    yield f"## Availability: {runs:,} runs x {len(TYPES)} types in one folder ({built}; {load()})"
    for more in (0, MORE_FRONTENDS):
        yield from frontends(folder, interpreter, ids, more, repeat)
    yield f"At the end: {load()}."


def frontends(folder: Path, interpreter: Path, ids: list[str], more: int, repeat: int) -> Iterator[str]:
    """Measure with so many empty folders before the one that has everything; yield the table."""
    sample = ids[:: max(1, len(ids) // SAMPLE)][:SAMPLE]
    empty = [str(folder / f"empty_{number}") for number in range(more)]
    for each in empty:
        Path(each).mkdir(exist_ok=True)
    place, *others = [*empty, str(folder / "data")]
    arguments = {"output_folder": place}
    context = Context(function="mini_xenonnt.context:mini_xenonnt", arguments=arguments, storage=others)
    paths = Paths(folder / "work")
    ask = partial(batch, paths, Program(interpreter), context, ids)
    by_strax: list[Any] = []
    series = {name: Series() for name in ("nothing is known", "the context is known", "complete folders are known")}
    for number in range(repeat):
        say(f"  {number + 1}/{repeat}, {1 + more} folders")
        by_strax.append(strax_side(folder, interpreter, "stored", arguments, ",".join(sample), *others))
        for kept in paths.cache.glob("co*.json"):
            kept.unlink()
        series["nothing is known"].costs.append(ask()[0])
        for kept in paths.cache.glob("complete-*.json"):
            kept.unlink()
        series["the context is known"].costs.append(ask()[0])
        cost, found = ask()
        series["complete folders are known"].costs.append(cost)
    told = {(run, name) for run, name in by_strax[-1]["stored"]}
    if not told:
        raise SystemExit(f"{folder} has data of other lineages than there are now; delete it")
    alike = sum(((run, name) in told) == (name in found[run]) for run in sample for name in TYPES)
    measured = {
        f"is_stored, {1 + more} folders, pass {number + 1}": (
            len(sample),
            [least(by_strax, number, what) for what in ("cpu", "wall")],
        )
        for number in range(2)
    }
    measured |= {
        f"batch, {name}": (len(ids), [one.least(what) for what in ("cpu", "wall")]) for name, one in series.items()
    }
    yield availability_table(measured)
    yield f"Both agree on {alike} of {len(sample) * len(TYPES)} questions, {len(told)} of which are stored."


def availability_table(measured: dict[str, tuple[int, list[float]]]) -> str:
    """Return the table of runs, CPU seconds and wall seconds; the ratios are of CPU per run, to the first row."""
    microseconds = {name: cpu / runs * 1e6 for name, (runs, (cpu, _)) in measured.items()}
    base = next(iter(microseconds.values()))
    rows = [
        [name, str(runs), cpu, wall, f"{microseconds[name]:.0f}", base / microseconds[name]]
        for name, (runs, (cpu, wall)) in measured.items()
    ]
    return table(["", "runs", "CPU s", "wall s", "CPU us per run", "times faster"], rows)


def data_site(folder: Path, interpreter: Path, ids: list[str], arguments: dict[str, str]) -> float | None:
    """Build the folder of data unless it is there; return the seconds it took."""
    if (folder / "built").exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    places = strax_side(folder, interpreter, "metadata", arguments, str(folder))
    # Every seventh run waits for its last type.
    last = next(name for name in places if name.startswith(f"{TYPES[-1]}-"))
    write_data(folder / "data", ids, {name: Path(place) for name, place in places.items()}, {last: 7})
    os.sync()
    (folder / "built").touch()
    return time.monotonic() - begin


def batch(paths: Paths, program: Program, context: Context, ids: list[str]) -> tuple[Cost, dict[str, set[str]]]:
    """Ask for all runs as a tick does, which knows nothing but what is kept on disk."""
    gc.disable()  # as a tick does
    begin, before = time.perf_counter(), os.times()
    available = Availability(ContextProbe(paths, may_write=True), folders=FolderListings(paths, may_write=True))
    found = available.stored(program, context, ids, TYPES)
    available.keep()
    wall, after = time.perf_counter() - begin, os.times()
    gc.enable()
    return Cost(sum(after[:4]) - sum(before[:4]), wall), found


def strax_side(folder: Path, interpreter: Path, verb: str, arguments: dict[str, str], subject: str, *more: str) -> Any:
    """Let ``strax_side.py`` do something under the analysis interpreter."""
    script = Path(__file__).with_name("strax_side.py")
    done = subprocess.run(
        [interpreter, str(script), verb, json.dumps([arguments, *more]), subject, *TYPES],
        env=environment(Program(interpreter), Paths(folder / "work")),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def least(answers: list[Any], place: int, what: str) -> float:
    """Return the least seconds of one of the passes over the sample."""
    return min(answer["passes"][place][what] for answer in answers)


# --- all of it --------------------------------------------------------------------------------------------------------
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="1000,10000,60000", help="sizes of the sites; availability takes the last")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help="default: %(default)s")
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / "benchmarks" / "tick_cost")
    parser.add_argument("--interpreter", type=Path, default=ROOT / "work" / "envs" / "analysis" / "bin" / "python")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="measure ticks and dry-runs of it in turn")
    options = parser.parse_args()
    parts = set(options.only.split(","))
    if not parts <= set(PARTS):
        parser.error(f"--only has {', '.join(sorted(parts - set(PARTS)))}; it may have {', '.join(PARTS)}")
    sizes = [int(number) for number in options.runs.split(",")]
    folder, interpreter = options.folder.absolute(), options.interpreter.absolute()
    adopt_orphans()
    print(f"Snakemake {version('snakemake')}, Python {platform.python_version()}, {os.cpu_count()} CPUs, {load()}.\n")
    if parts & {"idle", "dry"}:
        show(ticks_and_dry_runs(folder, sizes, parts, options.repeat, options.beside))
    if "overhead" in parts:
        show(overhead(folder / "overhead", interpreter, options.repeat))
    if "availability" in parts:
        show(availability(folder / f"data_of_{sizes[-1]}_runs", interpreter, sizes[-1], options.repeat))


def show(pieces: Iterator[str]) -> None:
    """Print what there is to say as soon as it is known."""
    for piece in pieces:
        print(f"{piece}\n", flush=True)


def _words(cost: Cost) -> str:
    return f"{cost.cpu:.1f} CPU s, {cost.wall:.1f} s"


if __name__ == "__main__":
    main()
