"""The whole job at a small computing site on this machine, as ``make site-demo`` starts it.

Run documents in a MongoDB-protocol server, jobs in a Slurm cluster, results in InfluxDB: ticks of ``snakemake --profile
slurm`` until nothing is left to do, then a summary. The servers are those of the tests (``make services``); they live
as long as this process, with ``--stay`` until Ctrl-C, so that an operator's commands can be tried. What the ticks made
stays; another start publishes it to the new InfluxDB and goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml
from bson import json_util

from local_servers.daemon import Daemon, DaemonError
from local_servers.find import NoServerError
from local_servers.influx import Bucket, InfluxServer
from local_servers.mongo import MongoAccess, MongoServer
from local_servers.slurm import SlurmAccess, SlurmCluster
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name
from xomflow.outcomes.reading import read_outcome
from xomflow.publishing.points import points_of
from xomflow.publishing.stores.store import OWN
from xomlib.files import read_json

ROOT = Path(__file__).resolve().parents[1]
DATABASE = "xenonnt"
PREFIX = "test_"
# The content of a result; the other fields of its point are about how and when it was made.
RESULT_FIELDS = ("value", "error", "n", "limit", "insufficient", "unit", "quality")
OF_DATA = ("data_", "text_", "flag_")
MOST_TICKS = 20
# The content of results, by measurement, run, variable and version.
Results = dict[tuple[str, ...], dict[str, Any]]


class DemoError(Exception):
    """Something that the demo needs is missing or broke down; the sentence names it."""


@dataclass(frozen=True)
class Site:
    """The servers, and the folder in which ticks are started.

    Parameters
    ----------
    folder
        The site's working directory.
    mongo, slurm, bucket
        How the servers are reached.
    """

    folder: Path
    mongo: MongoAccess
    slurm: SlurmAccess
    bucket: Bucket

    @property
    def paths(self) -> Paths:
        """Everything that its ticks generate."""
        return Paths(self.folder / "work")


def main(options: argparse.Namespace) -> int:
    """Start everything, run ticks until nothing is left to do, say what came out; return the exit code."""
    heading("Making the mini-XENONnT")
    subprocess.run([options.python, "-m", "mini_xenonnt", "make", "--output", options.mini], check=True)
    heading("Starting MongoDB, Slurm, InfluxDB and the slow control")
    with contextlib.ExitStack() as stack:
        site = start(options, stack)
        configure(site, options)
        print(f"{load(site, options.mini)} run documents in {site.mongo.address}, database {DATABASE}")
        log = site.folder / "ticks.log"
        heading(f"Running ticks; Snakemake's own output goes to {log}")
        codes = list(ticks(site, log))
        heading("End")
        differences = summary(site, options.compare)
        if options.stay:
            stay(site)
    return max(codes) or (ExitCode.STORE_DIFFERS if differences else ExitCode.OK)


def heading(text: str) -> None:
    """Begin a part of the output."""
    print(f"\n== {text} (after {time.monotonic() - BEGAN:.0f} s)", flush=True)


# --- the site ---------------------------------------------------------------------------------------------------------
def start(options: argparse.Namespace, stack: contextlib.ExitStack) -> Site:
    """Start all servers; each ends with the stack."""
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    servers = folder / "servers"
    subprocess.run(["rm", "-rf", servers], check=True)
    cpus = os.cpu_count() or 1
    mongo = MongoServer(servers / "mongo", secrets.token_urlsafe())
    influx = InfluxServer(servers / "influxdb")
    slurm = SlurmCluster(nodes=2, cpus=max(1, cpus // 2), memory_mb=max(1, cpus // 2) * 5000)
    for server in (mongo, influx, slurm):
        stack.callback(server.stop)
        server.start()
    serve = [options.python.absolute(), "-m", "mini_xenonnt", "slow-control", "--output", options.mini.absolute()]
    slow_control = Daemon([*map(str, serve)], servers / "slow_control.log")
    stack.callback(slow_control.stop)
    slow_control.start()
    slow_control.wait_until(lambda: "slow control at" in slow_control.log.read_text())
    bucket = stack.enter_context(influx.access.bucket())
    return Site(folder, mongo.access, slurm.access, bucket)


def configure(site: Site, options: argparse.Namespace) -> None:
    """Write what a site has: its configuration, the profile's link, the accounts, readable by their owner only."""
    rundb = {"xent_url": site.mongo.address, "xent_user": site.mongo.user, "xent_password": site.mongo.password}
    lines = [f"{name} = {value}" for name, value in {**rundb, "xent_database": DATABASE}.items()]
    write_private(site.folder / "xenon_config", "\n".join(["[RunDB]", *lines, ""]))
    account = {"url": site.bucket.url, "token": site.bucket.token, "org": site.bucket.org, "bucket": site.bucket.name}
    write_private(site.folder / "xom_influxdb.json", json.dumps(account))
    tree = configuration(options)
    (site.folder / "config.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    link(site.folder / "slurm", ROOT / "profiles" / "slurm")
    compiled = ROOT / "work" / "cache" / "numba"  # compiling anew takes minutes
    compiled.mkdir(parents=True, exist_ok=True)
    site.paths.cache.mkdir(parents=True, exist_ok=True)
    link(site.paths.cache / "numba", compiled)


def configuration(options: argparse.Namespace) -> dict[str, Any]:
    """Return the project's own configuration with this site's servers in it."""
    mini = options.mini.absolute()
    tree: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    tree["rundb"] = {"kind": "mongodb", "credentials": "xenon_config"}
    tree["store"] = {"kind": "influxdb", "credentials": "xom_influxdb.json", "prefix": PREFIX}
    tree["context"]["arguments"] = {"output_folder": str(mini / "strax_data")}
    tree["software"] = [{"interpreter": str(options.python.absolute())}]
    tree["slurm"] = {"latency": "2 s"}  # one file system for all nodes
    if options.only:
        tree["analyses"] = {name: tree["analyses"][name] for name in options.only}
        tree["expected"]["together"] = [name for name in tree["expected"]["together"] if name in options.only]
    if options.runs:
        tree["selection"] |= {"min_run": options.runs[0], "max_run": options.runs[1]}
    if "scada" in tree["analyses"]:
        tree["analyses"]["scada"]["settings"]["credentials"] = str(mini / "slow_control" / "xenon_config")
    return tree


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else could read at any moment."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def link(place: Path, target: Path) -> None:
    """Make a symbolic link, unless something is there."""
    if not place.is_symlink() and not place.exists():
        place.symlink_to(target)


def load(site: Site, mini: Path) -> int:
    """Put the run documents of the mini-XENONnT into the server; return how many."""
    lines = (mini / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    with site.mongo.client() as client:
        client[DATABASE].runs.insert_many([json_util.loads(line) for line in lines])
    return len(lines)


# --- ticks ------------------------------------------------------------------------------------------------------------
def ticks(site: Site, log: Path) -> Iterator[int]:
    """Run ticks until one takes nothing and nothing is left in Slurm; yield their exit codes."""
    for number in range(1, MOST_TICKS + 1):
        print(f"-- tick {number}", flush=True)
        before = set(site.paths.ticks.glob("*/summary.json"))
        yield tick(site, log)
        new = set(site.paths.ticks.glob("*/summary.json")) - before
        if not new:
            raise DemoError(f"the tick broke down, see {log}; it ends with: {log.read_text().splitlines()[-1]}")
        if read_json(new.pop())["taken"]:
            continue
        if not any(site.paths.submissions.glob("[!.]*")):
            return
        wait_for_slurm(site)
    raise DemoError(f"after {MOST_TICKS} ticks there is still something to do, see {log}")


def wait_for_slurm(site: Site) -> None:
    """Give Slurm a minute for the jobs of ticks whose time was up, as on a busy machine."""
    print("   waiting for jobs that go on in Slurm", flush=True)
    end = time.monotonic() + 60
    while site.slurm.answer("squeue", "--noheader") and time.monotonic() < end:
        time.sleep(1)


def tick(site: Site, log: Path) -> int:
    """Run one tick, showing how far it is and its closing words; return its exit code."""
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(ROOT / "Snakefile")]
    command += ["--profile", "slurm", "--seconds-between-status-checks", "2", "--latency-wait", "5"]
    process = subprocess.Popen(
        command,
        cwd=site.folder,
        env=site.slurm.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    closing = False
    with process, log.open("a", encoding="utf-8") as file:
        try:
            for line in process.stdout:
                print(line, end="", file=file, flush=True)
                closing = (closing or line.startswith("this tick: ")) and not line.startswith("Complete log")
                if closing or " steps (" in line:
                    print(line, end="", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            raise
    return process.returncode


def stay(site: Site) -> NoReturn:
    """Keep the servers until Ctrl-C."""
    heading("The servers stay until Ctrl-C")
    commands = site.folder / "servers" / "environment"
    commands.write_text(f"export SLURM_CONF={shlex.quote(site.slurm.environment['SLURM_CONF'])}\n", encoding="utf-8")
    print(f"in another shell: source {commands}; source {ROOT / 'work' / 'activate'}; cd {site.folder}", flush=True)
    while True:
        signal.pause()


# --- what came out ----------------------------------------------------------------------------------------------------
def summary(site: Site, other: Path) -> int:
    """Say what came out; return the number of differences from the outcomes in another work folder."""
    status = [sys.executable, "-m", "xomflow", "status"]
    subprocess.run(status, cwd=site.folder, env=site.slurm.environment, check=False)
    outcomes = [read_outcome(path) for path in done(site.paths.outcomes)]
    jobs = {one.provenance.batch_job for one in outcomes} - {None}
    print(f"\n{len(outcomes)} outcomes, made by {len(jobs)} jobs of Slurm")
    found = in_influxdb(site.bucket)
    measurements = Counter(place[0] for place in found)
    print(f"{sum(measurements.values())} points of results in InfluxDB:")
    print("\n".join(f"  {name:25}{number:6}" for name, number in sorted(measurements.items())))
    boards = len(list((site.paths.grafana / "dashboards").glob("*.json")))
    print(f"{boards} dashboards, and alert rules, for Grafana in {site.paths.grafana}")
    expected = in_outcomes(Paths(other), {(one.key.analysis, one.key.version) for one in outcomes})
    if not expected:
        print(f"there are no outcomes in {other} to compare with; `make demo` makes them")
        return 0
    common, missing = expected.keys() & found.keys(), expected.keys() ^ found.keys()
    differing = {place for place in common if expected[place] != found[place]}
    print(f"compared with the outcomes in {other}: {len(common) - len(differing)} points are the same")
    for what, places in (("differ", differing), ("are only at one of the two", missing)):
        if places:
            print(f"{len(places)} points {what}, such as {sorted(places)[0]}")
    return len(differing) + len(missing)


def done(folder: Path) -> list[Path]:
    """Return the outcomes of finished runs, and groups of runs, anywhere below a folder."""
    return sorted(path for path in folder.rglob("*.json") if is_done_name(path.name))


def in_influxdb(bucket: Bucket) -> Results:
    """Return the results that a query finds, by measurement, run, variable and version."""
    found: Results = {}
    for place, fields in bucket.points().items():
        if place[0].removeprefix(PREFIX) not in OWN:
            tags = dict(place[1:-1])
            found[place[0], fields["run_id"], tags["variable"], tags["version"]] = result(fields)
    return found


def in_outcomes(paths: Paths, wanted: set[tuple[str, str]]) -> Results:
    """Return the results in the outcomes of some versions of analyses, in the same form."""
    found: Results = {}
    for analysis, version in wanted:
        for path in done(paths.shelves(analysis, version)):
            for point in points_of(read_outcome(path), PREFIX):
                place = (point.measurement, path.stem, point.tags["variable"], version)
                found[place] = result(point.fields)
    return found


def result(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a point that are the result itself."""
    return {name: value for name, value in fields.items() if name in RESULT_FIELDS or name.startswith(OF_DATA)}


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("work/site"), help="the site (default: %(default)s)")
    parser.add_argument("--mini", type=Path, default=Path("work/mini"), help="the mini-XENONnT (default: %(default)s)")
    parser.add_argument("--compare", type=Path, default=Path("work"), help="work folder of `make demo`")
    parser.add_argument("--python", type=Path, default=Path("work/envs/analysis/bin/python"), help="of the analyses")
    parser.add_argument("--only", nargs="*", metavar="ANALYSIS", help="these analyses instead of all")
    parser.add_argument("--runs", nargs=2, type=int, metavar=("FIRST", "LAST"), help="these runs instead of all")
    parser.add_argument("--stay", action="store_true", help="keep the servers after the ticks, until Ctrl-C")
    return parser.parse_args(arguments)


def end(*_: Any) -> NoReturn:
    """End as Ctrl-C does: everything that was started is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    BEGAN = time.monotonic()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        sys.exit(main(parsed(sys.argv[1:])))
    except (DemoError, DaemonError, NoServerError, subprocess.CalledProcessError) as error:
        sys.exit(f"site-demo: {error}")
    except KeyboardInterrupt:
        sys.exit("site-demo: interrupted; every server was stopped")
