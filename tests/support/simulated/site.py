"""A simulated site: its ticks take, submit and settle with the decisions of XOM; what they would write is in memory."""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from support.simulated.clock import MINUTE, Clock, moment
from support.simulated.cluster import Cluster, minutes_of
from support.simulated.figures import Figures
from support.simulated.runs import Kind, Run, is_selected, length_of
from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key, run_id
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_resources
from xomflow.planning.decide import Evidence, decide
from xomflow.planning.queue.batches import Candidate, plan_batches
from xomflow.planning.queue.share import Queue, count_older, in_order, take
from xomflow.slurm.status import Facts, status_of, to_blame
from xomflow.slurm.submitting.submissions import Submission

# Seconds: from the start of a tick to its first submission, of one sbatch, between two looks, of publishing.
DISCOVERY, SBATCH, LOOK, PUBLISHING = 5.0, 0.3, 10.0, 3.0


@dataclass(slots=True)
class Tick:
    """A live tick: what it still has to submit, and the claims that have not ended."""

    name: str
    open: set[Key] = field(default_factory=set)
    is_alive: bool = True


@dataclass(slots=True)
class Site:
    """A site.

    Parameters
    ----------
    config
        Its configuration.
    kinds
        What its analyses are like.
    clock, chance
        The clock, and what happens by chance.
    interval
        Seconds between two ticks.
    killed
        Which part of the ticks is killed.

    Attributes
    ----------
    cluster
        Its Slurm.
    figures
        What came of it.
    """

    config: Config
    kinds: dict[str, Kind]
    clock: Clock
    chance: random.Random
    interval: float
    killed: float
    cluster: Cluster
    figures: Figures = field(default_factory=Figures)
    _runs: dict[int, Run] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=Counter)
    _ready: dict[str, list[int]] = field(default_factory=dict)  # negative numbers, so the newest is the first
    _failures: dict[Key, list[Failure]] = field(default_factory=dict)
    _records: dict[Key, Submission] = field(default_factory=dict)
    _claimed: dict[Key, Tick] = field(default_factory=dict)
    _at_work: dict[Key, str] = field(default_factory=dict)
    _touched: list[Key] = field(default_factory=list)
    _unpublished: list[Key] = field(default_factory=list)
    _done: set[Key] = field(default_factory=set)
    _ticks: int = 0

    # --- what is to do -----------------------------------------------------------------------------------------------
    def key(self, analysis: str, number: int) -> Key:
        """Return the key of a run in the present version of an analysis."""
        return Key(analysis, f"v{self._versions[analysis] + 1}", run_id(number))

    def know(self, run: Run) -> None:
        """Know a run of earlier years, which is done in the present versions."""
        self._runs[run.number] = run

    def add(self, run: Run) -> None:
        """Add a run, which has just ended."""
        self._runs[run.number] = run
        for name, kind in self.kinds.items():
            if is_selected(kind, run) and math.isfinite(at := run.ready(kind)):
                self.clock.at(at, partial(self._arrive, name, run.number))

    def raise_version(self, analyses: Iterable[str]) -> None:
        """Make all runs of analyses pending again, as a new version does; what runs for the old one goes on."""
        for name in analyses:
            self._versions[name] += 1
            numbers = [run.number for run in self._runs.values() if run.ready(self.kinds[name]) <= self.clock.now]
            chosen = [number for number in numbers if is_selected(self.kinds[name], self._runs[number])]
            self._ready[name] = sorted(-number for number in chosen)
            for number in chosen:
                key = self.key(name, number)
                self.figures.wanted(key, self.clock.now, "reprocessed")
                self.figures.seen(key, self.clock.now)

    def _arrive(self, name: str, number: int) -> None:
        key = self.key(name, number)
        self.figures.wanted(key, self.clock.now, "new")
        self._touched.append(key)

    def _touch(self, key: Key) -> None:
        self._touched.append(key)

    def _is_new(self, number: int) -> bool:
        return self.clock.now - self._runs[number].ended <= self.config.old_after

    def _settle_states(self) -> None:
        """Decide the state of each key about which something has changed."""
        touched, self._touched = self._touched, []
        for key in touched:
            if key in self._done or key in self._records or key in self._claimed:
                continue
            if key.version != self.key(key.analysis, 0).version:
                continue  # no tick looks at it any more
            state = decide(self._evidence(key), self.config.retries, self.config.stale_after, self.clock.moment)
            if state.name is State.READY:
                self.figures.seen(key, self.clock.now)
                self._await(key)
            elif state.next_try:
                wait = (state.next_try - self.clock.moment).total_seconds()
                self.clock.after(wait, partial(self._touch, key))
            else:
                self.figures.given_up(key)

    def _await(self, key: Key) -> None:
        ready, number = self._ready.setdefault(key.analysis, []), -int(key.run)
        place = bisect.bisect_left(ready, number)
        if ready[place : place + 1] != [number]:
            ready.insert(place, number)

    def _evidence(self, key: Key) -> Evidence:
        run = self._runs[int(key.run)]
        missing = None if run.ready(self.kinds[key.analysis]) <= self.clock.now else Reason("its data are missing")
        return Evidence(self._failures.get(key, ()), None, missing, moment(run.ended))

    # --- a tick ------------------------------------------------------------------------------------------------------
    def start(self, until: float) -> None:
        """Start a tick now, and one after each interval."""
        if self.clock.now < until:
            self.clock.after(self.interval, lambda: self.start(until))
        self._ticks += 1
        tick = Tick(f"tick-{self._ticks}")
        self._settle_submissions()
        self._settle_states()
        chosen = self._choose()
        for key in chosen:
            self._claimed[key] = tick
            tick.open.add(key)
        self.figures.looked(self._in_progress(), len(chosen))
        self._plan_submissions(tick, chosen)
        self.clock.after(self.config.slurm.tick_limit, lambda: self._end_tick(tick))
        if self.chance.random() < self.killed:
            self.clock.after(self.chance.uniform(0, 60), lambda: self._kill(tick))
        elif not chosen:
            self.clock.after(DISCOVERY, lambda: self._end_tick(tick))

    def _in_progress(self) -> Counter[str]:
        return Counter(key.analysis for key in self._records.keys() | self._claimed.keys())

    def _choose(self) -> list[Key]:
        working = self._records.keys() | self._claimed.keys()
        running: dict[str, list[int]] = {}
        for key in working:
            running.setdefault(key.analysis, []).append(int(key.run))
        queues = {
            name: Queue(
                ready,
                self.config.limit_of(name),
                new=self._number_new(ready),
                running=len(running.get(name, ())),
                older=count_older(running.get(name, ()), [-number for number in ready[-1:]]),
                most=self.config.analyses[name].max_running,
            )
            for name, ready in self._ready.items()
        }
        taken = take(queues, self.config.max_running, len(working))
        for name, numbers in taken.items():
            self._drop(self._ready[name], numbers)
        keys = {name: [self.key(name, -number) for number in numbers] for name, numbers in taken.items()}
        return in_order(keys, lambda key: not self._is_new(int(key.run)))

    def _number_new(self, ready: Sequence[int]) -> int:
        return next((n for n, number in enumerate(ready) if not self._is_new(-number)), len(ready))

    @staticmethod
    def _drop(ready: list[int], taken: Sequence[int]) -> None:
        """Remove from the ready ones those that were taken: some of the first, and some of the last ones."""
        first = next((n for n, (one, other) in enumerate(zip(ready, taken, strict=False)) if one != other), len(taken))
        assert list(taken[first:]) == ready[len(ready) - (len(taken) - first) :]
        del ready[len(ready) - (len(taken) - first) :]
        del ready[:first]

    def _plan_submissions(self, tick: Tick, chosen: Sequence[Key]) -> None:
        """Let the tick submit its jobs one after the other, in its order."""
        limits = {key: self._limits(key) for key in chosen}
        few_new = sum(self._is_new(int(key.run)) for key in chosen) <= self.config.slurm.batch.alone
        candidates = [self._candidate(key, limits[key], few_new) for key in chosen]
        batches = [[one.key for one in batch] for batch in plan_batches(candidates, self.config.slurm.batch)]
        together = {batch[-1]: batch for batch in batches}  # it goes when its last member has come
        in_batch = {key for batch in batches for key in batch}
        jobs = [together.get(key, [key]) for key in chosen if key in together or key not in in_batch]
        for number, job in enumerate(jobs):
            at = DISCOVERY + (number + 1) * SBATCH
            self.clock.after(at, partial(self._submit, tick, job, number, limits))

    def _limits(self, key: Key) -> float:
        block = self.config.analyses[key.analysis]
        more = next_resources(self._failures.get(key, ()), self.config.retries, block.memory_mb, block.time_limit)
        return float(more["time_limit_s"])

    def _candidate(self, key: Key, limit: float, few_new: bool) -> Candidate:
        new, grown = self._is_new(int(key.run)), limit != self.config.analyses[key.analysis].time_limit
        return Candidate(key, self.kinds[key.analysis].seconds, None if grown or (new and few_new) else new)

    def _submit(self, tick: Tick, keys: Sequence[Key], number: int, limits: dict[Key, float]) -> None:
        if not tick.is_alive:
            return
        members = [
            Submission(
                key,
                len(self._failures.get(key, ())) + 1,
                tick.name,
                self.clock.moment,
                batch=str(number) if len(keys) > 1 else "",
                is_first=key == keys[0],
            )
            for key in keys
        ]
        expected = sum(self.kinds[key.analysis].seconds + 0.5 for key in keys) if len(keys) > 1 else 0.0
        own = [limits[key] for key in keys]
        nice = 0 if any(self._is_new(int(key.run)) for key in keys) else self.config.slurm.nice_if_old
        self._records.update({one.key: one for one in members})
        if self.chance.random() < self.killed / 10:
            self._kill(tick)  # between the record and the submission
            return
        try:
            job = self.cluster.submit(members[0].label, members, own, minutes_of(expected + max(own)) + MINUTE, nice)
        except BatchSystemError:
            self.figures.hindered(keys)
            for key in keys:
                del self._records[key]
                self._leave(tick, key)  # after its patience
            return
        self.figures.submitted(keys, self.clock.now)
        if self.chance.random() < self.killed / 10:
            self._kill(tick)  # between the submission and the number
            return
        self._records.update({one.key: replace(one, job=job) for one in members if one.key in self._records})

    # --- what jobs do, and how they end ------------------------------------------------------------------------------
    def work_on(self, one: Submission, limit: float) -> tuple[float, Callable[[], None]] | None:
        """Begin an attempt, as the runner does in the job."""
        key = one.key
        if key in self._done:
            return None
        if key in self._at_work:
            self.figures.doubled += 1
        self._at_work[key] = one.label
        kind = self.kinds[key.analysis]
        seconds = length_of(self.chance, kind)
        if seconds > limit:
            return limit, lambda: self._fail(one, "timeout")
        if kind.broken[0] <= self.clock.now < kind.broken[1] or self.chance.random() < kind.raises:
            return min(seconds, 5.0), lambda: self._fail(one, "raised")
        return seconds, lambda: self._finish(one)

    def _finish(self, one: Submission) -> None:
        if one.key in self._done:
            self.figures.doubled += 1
        self._done.add(one.key)
        self._unpublished.append(one.key)
        self.figures.ended(one.key, self.clock.now)
        self._over(one)

    def _fail(self, one: Submission, kind: str) -> None:
        self._failures.setdefault(one.key, []).append(Failure(one.attempt, kind, self.clock.moment))
        self.figures.failures[kind] += 1
        self._over(one)

    def _over(self, one: Submission) -> None:
        self._at_work.pop(one.key, None)
        self._records.pop(one.key, None)
        if tick := self._claimed.get(one.key):
            self._leave(tick, one.key)
        self._touched.append(one.key)

    def _settle_submissions(self) -> None:
        """Find out what became of what was submitted, from Slurm's answer or its absence."""
        facts, latency = {}, timedelta(seconds=self.config.slurm.latency)
        blamed = to_blame(list(self._records.values()), self._at_work, self._done)
        for key, one in self._records.items():
            begun, ours = key in self._at_work, key in blamed
            arrives = not one.job and key in self._claimed
            try:
                job = self.cluster.find(one.label)
            except BatchSystemError as error:
                facts[key] = Facts(one, unseen=str(error))
                continue
            facts[key] = Facts(one, job, may_arrive=arrives, has_begun=not one.batch or begun, is_to_blame=ours)
        for fact in facts.values():
            status = status_of(fact, latency, self.clock.moment)
            if status.working:
                continue
            if status.kind:
                self._fail(fact.submission, status.kind)
            else:
                self._over(fact.submission)

    # --- its end -----------------------------------------------------------------------------------------------------
    def _leave(self, tick: Tick, key: Key) -> None:
        """Let a claim end; with the last one the tick ends at its next look."""
        self._claimed.pop(key, None)
        tick.open.discard(key)
        self._touched.append(key)
        if not tick.open and tick.is_alive:
            self.clock.after(LOOK, lambda: self._end_tick(tick))

    def _end_tick(self, tick: Tick) -> None:
        if tick.is_alive:
            self._close(tick)
            published, self._unpublished = self._unpublished, []
            self.figures.published(published, self.clock.now + PUBLISHING)

    def _kill(self, tick: Tick) -> None:
        """End a tick as ``kill -9`` does: its claims end with it, its jobs go on."""
        if tick.is_alive:
            self.figures.hindered(tick.open)
        self._close(tick)

    def _close(self, tick: Tick) -> None:
        tick.is_alive = False
        for key in list(tick.open):
            self._claimed.pop(key, None)
            self._touched.append(key)
        tick.open.clear()

    def undone(self) -> list[Key]:
        """Return the keys that are wanted, and neither done nor given up; what is in progress counts as undone."""
        return [key for key in self.figures.open() if key.version == self.key(key.analysis, 0).version]
