"""The runs of a set: two simulated months of data taking, with every odd case of a RunDB."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mini_xenonnt.truth import QUANTITIES, Spec, evaluate

FIRST_NUMBER = 52800
SPAN = timedelta(days=60)
NEWEST_ENDED = timedelta(minutes=5)
RUNNING_SINCE = timedelta(minutes=4)
RUNS_FOR_ODD = 24

TPC_TYPES = (
    "peak_basics",
    "event_basics",
    "event_info",
    "distinct_channels",
    "event_info_double",
    "veto_intervals",
    "online_peak_monitor",
)
NV_TYPES = ("events_nv", "event_positions_nv", "online_monitor_nv")
MV_TYPES = ("events_mv", "online_monitor_mv")
STORED_TYPES = (*TPC_TYPES, *NV_TYPES, *MV_TYPES)
"""Data types that the mini-XENONnT keeps."""
UPPER_TYPES = ("event_info", "distinct_channels", "event_info_double")
"""Data types that some odd runs lack."""


class ScheduleError(ValueError):
    """An impossible set of runs; the message is one sentence."""


@dataclass(frozen=True)
class Mode:
    """A run mode: its detectors, its calibration source and the data types that are kept."""

    detectors: tuple[str, ...]
    source: str
    types: tuple[str, ...]


MODES = {
    "tpc_bkg": Mode(("tpc",), "none", TPC_TYPES),
    "tpc_kr83m": Mode(("tpc",), "Kr-83m", TPC_TYPES),
    "background_linked": Mode(("tpc", "muon_veto", "neutron_veto"), "none", STORED_TYPES),
    "muon_veto": Mode(("muon_veto",), "none", MV_TYPES),
    "neutron_veto": Mode(("neutron_veto",), "none", NV_TYPES),
    "tpc_noise": Mode(("tpc",), "none", ()),
    "tpc_pmtgain": Mode(("tpc",), "LED", ()),
}

ODD = {
    "messy": "tagged messy; data complete",
    "_messy": "tagged _messy (protected form); data complete",
    "bad": "tagged bad; data complete",
    "abandon": "tagged abandon; its data were deleted",
    "preliminary": "tagged _sr1_preliminary; nothing wrong with it",
    "no_rate": "the document has no rate; data complete",
    "markup": "a tag and a comment hold markup and control characters; data complete",
    "old_no_data": "transferred long ago, its data never came",
    "partial": "Kr83m run with nothing above event_basics",
    "temp": "what lies above event_basics is in folders that end in _temp",
    "exception": "the metadata of what lies above event_basics carry an exception",
    "no_data_yet": "transferred hours ago, its data are not there yet",
    "not_transferred": "finished, status eb_ready_to_upload",
    "running": "the DAQ is taking it: no end",
}
"""Every odd case by name; each is one run of a set with at least `RUNS_FOR_ODD` runs."""

_ODD_IN_BODY = ("messy", "_messy", "bad", "abandon", "preliminary", "no_rate", "markup", "old_no_data")
_TAIL = (
    ("partial", "tpc_kr83m", 38.0),
    ("temp", "tpc_bkg", 26.0),
    ("exception", "tpc_bkg", 20.0),
    ("no_data_yet", "tpc_bkg", 9.0),
    ("not_transferred", "tpc_bkg", 2.0),
)
_TAGS = {
    "messy": ("messy",),
    "_messy": ("_messy",),
    "bad": ("bad",),
    "abandon": ("abandon",),
    "preliminary": ("_sr1_preliminary",),
    "markup": ('<script>alert("tag")</script>',),
}
_FORTNIGHT = (
    "tpc_bkg",
    "tpc_kr83m",
    "tpc_kr83m",
    "tpc_bkg",
    "background_linked",
    "tpc_bkg",
    "neutron_veto",
    "tpc_bkg",
    "muon_veto",
    "tpc_bkg",
    "tpc_bkg",
    "service",
)


@dataclass(frozen=True)
class Parameters:
    """The parameters that determine a set of runs, and every byte of its data."""

    now: datetime
    runs: int = 48
    seed: int = 1
    decays: int = 12_000
    seconds: int = 600
    truth: dict[str, Spec] = field(default_factory=dict)

    @property
    def origin(self) -> datetime:
        """Start of the simulated time; drifts of the truths count from here."""
        return self.now - SPAN


@dataclass(frozen=True)
class Run:
    """One planned run: the content of its document and its data types."""

    number: int
    mode: str
    start: datetime
    end: datetime
    odd: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        """Six-digit run id."""
        return f"{self.number:06d}"

    @property
    def types(self) -> tuple[str, ...]:
        """Data types that can be read."""
        if self.odd in ("abandon", "old_no_data", "no_data_yet", "not_transferred", "running"):
            return ()
        types = MODES[self.mode].types
        if self.odd in ("partial", "temp", "exception"):
            return tuple(t for t in types if t not in UPPER_TYPES)
        return types

    @property
    def broken_types(self) -> tuple[str, ...]:
        """Data types with data that cannot be read."""
        return UPPER_TYPES if self.odd in ("temp", "exception") else ()


def duration(mode: str, decays: int, parameters: Parameters, run_id: str, when: datetime) -> timedelta:
    """Return the length of a run: for a Kr83m run the mean time for its decays, else a fixed time.

    Raises
    ------
    ScheduleError
        If the rate of decays is zero.
    """
    if mode != "tpc_kr83m":
        return timedelta(seconds=parameters.seconds)
    spec = parameters.truth.get("kr_rate", QUANTITIES["kr_rate"].default)
    rate = evaluate("kr_rate", spec, run_id, when, parameters.origin)
    if rate <= 0:
        raise ScheduleError(f"run {run_id}: {decays} Kr83m decays need a kr_rate above zero, not {rate:g} Hz")
    return timedelta(seconds=max(1, round(decays / rate)))


def plan(parameters: Parameters) -> list[Run]:
    """Return the runs of a set, oldest first.

    Parameters
    ----------
    parameters : Parameters
        With at least 24 runs the set holds every case of `ODD`; a smaller one has no odd run.

    Returns
    -------
    list of Run
        Numbers rise by one; the newest finished run ended five minutes before `now`.

    Raises
    ------
    ScheduleError
        If there is no run, or Kr83m runs are so long that runs would overlap.
    """
    if parameters.runs < 1:
        raise ScheduleError(f"a set needs at least one run, not {parameters.runs}")
    if parameters.runs < RUNS_FOR_ODD:
        runs = _body(parameters, parameters.runs - 1)
    else:
        runs = _with_odd(_body(parameters, parameters.runs - len(_TAIL) - 2))
        for odd, mode, hours in _TAIL:
            runs.append(_run(parameters, len(runs), mode, parameters.now - timedelta(hours=hours), odd))
    newest = parameters.now - NEWEST_ENDED - timedelta(seconds=parameters.seconds)
    runs.append(_run(parameters, len(runs), "tpc_bkg", newest))
    if parameters.runs >= RUNS_FOR_ODD:
        runs.append(_run(parameters, len(runs), "tpc_bkg", parameters.now - RUNNING_SINCE, "running"))
    _check_order(runs)
    return runs


def _body(parameters: Parameters, n: int) -> list[Run]:
    """Return `n` runs without anything odd, evenly over the time before the last two days."""
    spacing = (SPAN - timedelta(days=2)) / max(n, 1)
    runs: list[Run] = []
    for i in range(n):
        mode = _FORTNIGHT[i % len(_FORTNIGHT)]
        if mode == "service":
            mode = ("tpc_noise", "tpc_pmtgain")[i // len(_FORTNIGHT) % 2]
        start = parameters.origin + i * spacing
        if mode == "tpc_kr83m" and runs and runs[-1].mode == mode:
            start = runs[-1].end + timedelta(minutes=20)
        runs.append(_run(parameters, i, mode, start))
    return runs


def _run(parameters: Parameters, index: int, mode: str, start: datetime, odd: str | None = None) -> Run:
    start = start.replace(microsecond=0)
    number = FIRST_NUMBER + index
    length = duration(mode, parameters.decays, parameters, f"{number:06d}", start)
    return Run(number, mode, start, start + length, odd, _TAGS.get(odd or "", ()))


def _with_odd(runs: list[Run]) -> list[Run]:
    """Spread the odd cases that need no fixed place over the background runs, oldest and newest of them included."""
    candidates = [i for i, run in enumerate(runs) if run.mode == "tpc_bkg"]
    step = (len(candidates) - 1) / (len(_ODD_IN_BODY) - 1)
    out = list(runs)
    for k, odd in enumerate(_ODD_IN_BODY):
        run = runs[candidates[round(k * step)]]
        out[run.number - FIRST_NUMBER] = Run(run.number, run.mode, run.start, run.end, odd, _TAGS.get(odd, ()))
    return out


def _check_order(runs: list[Run]) -> None:
    for one, other in itertools.pairwise(runs):
        if other.start <= one.end:
            raise ScheduleError(
                f"run {one.run_id} ({one.mode}) would take {one.end - one.start}, until after the start of run "
                f"{other.run_id}: fewer decays, fewer runs or a higher kr_rate are needed"
            )


def take(runs: list[Run], parameters: Parameters, mode: str, tags: tuple[str, ...], decays: int, now: datetime) -> Run:
    """Return one more run, as the DAQ would take it.

    Parameters
    ----------
    runs : list of Run
        All runs so far, oldest first.
    now : datetime
        The run ends now, or, if the newest run leaves no room for that, starts ten seconds after it.

    Raises
    ------
    ScheduleError
        If the mode is unknown.
    """
    if mode not in MODES:
        raise ScheduleError(f"unknown run mode {mode!r}; there are {', '.join(MODES)}")
    number = runs[-1].number + 1
    length = duration(mode, decays, parameters, f"{number:06d}", now)
    newest = max(run.start if run.odd == "running" else run.end for run in runs)
    start = max(now.replace(microsecond=0) - length, newest + timedelta(seconds=10))
    return Run(number, mode, start, start + length, None, tags)


def odd_runs(runs: list[Run]) -> dict[str, str]:
    """Return the run id of every odd case in the set."""
    return {run.odd: run.run_id for run in runs if run.odd}
