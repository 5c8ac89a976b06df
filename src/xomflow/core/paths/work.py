"""Places of everything that XOM generates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xomflow.core.key import Key


@dataclass(frozen=True, slots=True)
class Paths:
    """Everything that XOM generates, under one folder.

    Parameters
    ----------
    work
        The folder that the configuration names.
    """

    work: Path

    @property
    def format(self) -> Path:
        """The number of the layout of all this, see `xomflow.core.files.work_format`."""
        return self.work / "format"

    @property
    def decisions(self) -> Path:
        """Decisions of people, one file each."""
        return self.work / "decisions"

    # --- results, one file per key -------------------------------------------------------------------------------
    @property
    def outcomes(self) -> Path:
        """All outcomes; they and the figures are all that cannot be made again without the data."""
        return self.work / "outcomes"

    def shelves(self, analysis: str, version: str) -> Path:
        """Folder of the shelves of one version of an analysis."""
        return self.outcomes / analysis / version

    def trial_mark(self, analysis: str, version: str) -> Path:
        """Shows by its existence that the outcomes of a version are those of a trial."""
        return self.shelves(analysis, version) / ".trial"

    def outcome(self, key: Key) -> Path:
        """The outcome of a key, complete or absent; it also marks the key as done."""
        return self.shelves(key.analysis, key.version) / key.shelf / f"{key.run}.json"

    @property
    def all_figures(self) -> Path:
        """The figures of all outcomes."""
        return self.work / "figures"

    def figure(self, key: Key, name: str) -> Path:
        """One figure of the outcome of a key, by the name that the outcome has."""
        return self.all_figures / key.analysis / key.version / key.shelf / f"{key.run}.{name}"

    def figures_of_layout_1(self, key: Key) -> Path:
        """Folder of the figures of a key in layout 1, in which jobs of an older version still write."""
        return self.all_figures / key.analysis / key.version / key.shelf / key.run

    @property
    def logs(self) -> Path:
        """The logs of all keys."""
        return self.work / "logs"

    def log(self, key: Key) -> Path:
        """Log of the newest attempt; that of a finished run may have moved to `log_archive`."""
        return self.logs / key.analysis / key.version / key.shelf / f"{key.run}.log"

    def log_of_attempt(self, key: Key, attempt: int) -> Path:
        """Log of a failed attempt."""
        return self.log(key).with_name(f"{key.run}.attempt-{attempt}.log")

    def log_archive(self, shelf: Path) -> Path:
        """Archive of the logs of finished runs, beside the folder with the logs of its shelf."""
        return shelf.with_name(f"{shelf.name}.zip")

    def benchmark(self, key: Key) -> Path:
        """Snakemake's own measurement of the job."""
        return self.work / "benchmarks" / key.analysis / key.version / key.shelf / f"{key.run}.tsv"

    @property
    def set_aside(self) -> Path:
        """Outcomes that could not be read, moved out of the way."""
        return self.work / "set_aside"

    @property
    def maintenance(self) -> Path:
        """What `xom rename` or `xom remove` has begun, until it is finished; see `core.files.maintenance`."""
        return self.work / "maintenance.json"

    def folders_of(self, analysis: str, work: Path | None = None) -> list[Path]:
        """Return all folders that only one analysis has, of results and of what comes with them.

        Parameters
        ----------
        analysis
            Its name.
        work
            The folder in which they are; None: ``work``.
        """
        names = (self.outcomes.name, self.all_figures.name, self.logs.name, "benchmarks")
        return [(work or self.work) / name / analysis for name in names]

    def removed(self, name: str) -> Path:
        """Return where `xom remove` moves an analysis."""
        return self.work / "removed" / name

    # --- work in progress ----------------------------------------------------------------------------------------
    def run_lock(self, key: Key) -> Path:
        """Lock of a key, held by the process that works on it."""
        return self.locks / f"{key.analysis}+{key.version}+{key.run}.lock"

    @property
    def locks(self) -> Path:
        """Folder of the run locks."""
        return self.work / "locks"

    def memory_lock(self, host: str) -> Path:
        """Its bytes are locked by the runs on a host: each takes as many as it may use memory."""
        return self.locks / f"memory-{host}"

    @property
    def drafts(self) -> Path:
        """Folder of the drafts."""
        return self.work / "drafts"

    def draft(self, key: Key, process: str = "any") -> Path:
        """Folder in which a running analysis leaves its results until they are complete."""
        return self.drafts / f"{key.analysis}+{key.version}+{key.run}+{process}"

    @property
    def submissions(self) -> Path:
        """Folder of the records of submitted jobs."""
        return self.work / "slurm"

    def submission(self, key: Key) -> Path:
        """Record of a submitted attempt."""
        return self.submissions / f"{key.analysis}+{key.version}+{key.run}.json"

    def batch_submission(self, tick: str, batch: str) -> Path:
        """Record of a submitted batch of a tick."""
        return self.submissions / f"{tick}+{batch}.json"

    @property
    def ticks(self) -> Path:
        """Folder of the ticks."""
        return self.work / "ticks"

    def tick(self, tick: str) -> Path:
        """Folder of one tick: its claims, its run lists, its report."""
        return self.ticks / tick

    def tick_archive(self, tick: str) -> Path:
        """Archive of the old ticks of a day, by the name of one of them."""
        return self.ticks / f"{tick.partition('T')[0]}.zip"

    @property
    def archiving_lock(self) -> Path:
        """Lock under which one tick at a time moves files into archives."""
        return self.ticks / "archiving.lock"

    @property
    def discovery_lock(self) -> Path:
        """Lock under which one tick at a time looks for work and claims it."""
        return self.ticks / "discovery.lock"

    @property
    def publishing_lock(self) -> Path:
        """Lock under which one tick at a time publishes and renews the page."""
        return self.ticks / "publishing.lock"

    @property
    def telling_lock(self) -> Path:
        """Lock under which one process at a time sends messages."""
        return self.ticks / "telling.lock"

    # --- what can be thrown away and comes back --------------------------------------------------------------------
    @property
    def cache(self) -> Path:
        """Results of expensive look-ups; safe to delete at any time."""
        return self.work / "cache"

    @property
    def compiled(self) -> Path:
        """What numba has compiled, so that a process need not compile it again."""
        return self.cache / "numba"

    @property
    def pending(self) -> Path:
        """The pending work as of the last look at all run documents and names of outcomes."""
        return self.cache / "inventory.json"

    @property
    def groups(self) -> Path:
        """The groups of runs of today, as planning found them, for publishing and page."""
        return self.cache / "groups.json"

    def complete_folders(self, digest: str) -> Path:
        """Names of the complete folders of strax data in one storage."""
        return self.cache / f"complete-{digest}.json"

    @property
    def swept(self) -> Path:
        """Its time stamp is that of the last removal of left-over files."""
        return self.cache / "swept"

    @property
    def archived(self) -> Path:
        """Its time stamp is that of the last time when all old logs and ticks had moved into archives."""
        return self.cache / "archived"

    @property
    def data_locations(self) -> Path:
        """Locations of the data of waiting runs, from the run database."""
        return self.cache / "whereabouts.json"

    @property
    def known_outcomes(self) -> Path:
        """The content of the outcomes as of the last look, by shelf."""
        return self.cache / "outcomes"

    @property
    def makers(self) -> Path:
        """By which scripts and settings the outcomes were made, by shelf."""
        return self.cache / "makers.json"

    @property
    def expected(self) -> Path:
        """What is expected of each variable, and the alarms: made of outcomes and decisions, see `core.verdicts`."""
        return self.cache / "expected"

    @property
    def alarms(self) -> Path:
        """All alarms, the newest first."""
        return self.expected / "alarms.json"

    @property
    def alarms_source(self) -> Path:
        """What the alarms were found in, as a digest."""
        return self.expected / "alarms-source.json"

    @property
    def learning(self) -> Path:
        """The versions of analyses of which a long history is being learned."""
        return self.expected / "learning.json"

    @property
    def all_bands(self) -> Path:
        """The verdicts about all results."""
        return self.expected / "bands"

    def bands(self, analysis: str, version: str, shelf: str) -> Path:
        """The verdicts about the results of a shelf, a line for each run."""
        return self.all_bands / analysis / version / f"{shelf}.json"

    @property
    def all_judged(self) -> Path:
        """How far the results of all versions are judged."""
        return self.expected / "judged"

    def judged(self, analysis: str, version: str) -> Path:
        """Folder with how far the results of a version are judged, and the states to go on from."""
        return self.all_judged / analysis / version

    def expected_of(self, analysis: str) -> tuple[Path, Path]:
        """The folders with what is kept of the bands of an analysis."""
        return self.all_bands / analysis, self.all_judged / analysis

    @property
    def told(self) -> Path:
        """What each recipient of messages has got; without it, what lasts is sent once more."""
        return self.cache / "told.json"

    @property
    def successes(self) -> Path:
        """When the newest outcomes were made, of analyses of which many runs failed in the same way."""
        return self.cache / "successes.json"

    def run_metadata(self, shelf: str) -> Path:
        """The metadata of a shelf's runs as of the last look at the run database."""
        return self.cache / "facts" / f"{shelf}.json"

    @property
    def run_metadata_digests(self) -> Path:
        """Digests of these, by shelf."""
        return self.cache / "facts" / "digests.json"

    @property
    def run_metadata_changes(self) -> Path:
        """Which runs changed from one of these digests to the next."""
        return self.cache / "facts" / "changes.json"

    @property
    def ledger(self) -> Path:
        """What each store has; safe to delete: everything is published once more, to the same points."""
        return self.work / "ledger"

    def ledger_of(self, store: str) -> Path:
        """What one store has."""
        return self.ledger / store

    def uses(self, store: str) -> Path:
        """Which software made the results of each shelf; lies in the ledger so that it is deleted with it."""
        return self.ledger_of(store) / "uses.json"

    @property
    def store(self) -> Path:
        """The local store: line protocol."""
        return self.work / "store"

    @property
    def grafana(self) -> Path:
        """Dashboards and alert rules, for Grafana to read."""
        return self.work / "grafana"

    @property
    def page(self) -> Path:
        """The page."""
        return self.work / "page"

    @property
    def page_stamps(self) -> Path:
        """Fingerprints of the outcomes in the page's data; lies beside these so that it is deleted with them."""
        return self.page / "data" / "stamps.json"

    @property
    def page_looks(self) -> Path:
        """Stamps of the page's data files as they were good, so that they need not be read; may be deleted."""
        return self.page / "data" / "looks.json"
