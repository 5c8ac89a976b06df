"""What event_rate does with awkward data, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import renewal
import simulation as sim
from fake_run import DataCorrupted, attempt, chunk, run_main

from xomphysics.poisson import poisson_interval
from xomphysics.rate_per_second import clustering, excess_share, silent_share
from xomphysics.reading.live_time import Vetoes

event_rate = analysis_scripts.load("event_rate")
MS = 1_000_000


def rate(events: np.ndarray, seconds: float = 60.0, pieces: int = 3) -> dict[str, dict[str, Any]]:
    """Return the results of event_rate by variable; draws the figure as well."""
    bands = event_rate.parse_bands(event_rate.DEFAULTS["bands"])
    return said_of(sim.as_chunks(events, seconds, pieces), bands, Vetoes())


def said_of(chunks: Any, bands: Any, vetoes: Vetoes) -> dict[str, dict[str, Any]]:
    """Return the results by variable; draws the figure as well."""
    tally = event_rate.count(chunks, bands, "e_ces", vetoes)
    event_rate.draw(tally, "052894").canvas.draw()
    return {result["variable_name"]: result for result in event_rate.results(tally, event_rate.DEFAULTS)}


def rows(*entries: tuple[str, float, float]) -> np.ndarray:
    """Return rows of (type, start in ms, end in ms)."""
    found = np.zeros(len(entries), renewal.ROWS)
    for row, (name, start, end) in zip(found, entries, strict=True):
        row["veto_type"], row["time"], row["endtime"] = name, round(start * MS), round(end * MS)
    return found


def corrected(found: np.ndarray, seconds: float = 60.0, rate: float = 20.0) -> dict[str, Any]:
    """Return the results of event_rate by variable for a run with events outside veto intervals; draws the figure."""
    events = sim.background_events(np.random.default_rng(1), rate, seconds)
    for row in found[found["veto_type"] != "hev_tag"]:
        events = events[(events["time"] < row["time"]) | (events["time"] >= row["endtime"])]
    vetoes = Vetoes.of(sim.as_chunks(found, seconds, 1), event_rate.DEFAULTS)
    return said_of(sim.as_chunks(events, seconds), {}, vetoes)


def case_corrected() -> Any:
    return corrected(
        rows(("busy", 0, 20_000), ("busy_he", 10_000, 30_000), ("hev", 40_000, 45_000), ("hev_tag", 0, 60_000))
    )


def case_no_live_time() -> Any:
    return corrected(rows(("busy", 0, 60_000)))


def case_no_vetoes() -> Any:
    return corrected(rows())


def case_one_long_veto() -> Any:
    """A third of the run vetoed: the rate over the run is constant where it can be seen."""
    return corrected(rows(("hev", 20_000, 40_000)), rate=50.0)


def case_names() -> Any:
    """Half of the run inside intervals of each type; events at 20 Hz outside."""
    names = [
        *("busy", "busy_he", "hev", "straxen_deadtime", "fractional_lifetime", "anti_veto"),
        *("busy_veto", "busy_he_veto", "hev_veto", "straxen_deadtime_veto", "muon_gate"),
    ]
    return {name: corrected(rows(*((name, 10 * i, 10 * i + 5) for i in range(6000)))) for name in names}


def case_installed() -> Any:
    """Types of intervals that the installed straxen makes and that are neither vetoes nor marks."""
    import straxen

    occupancy = straxen.AqMonChannelOccupancy
    options = [*occupancy.neutron_generator_channel_options.values(), *occupancy.hev_channel_options.values()]
    made = {"busy", "straxen_deadtime", *options, *straxen.VetoProximity.veto_names}
    known = {*event_rate.DEFAULTS["vetoes"], *event_rate.DEFAULTS["marks"]}
    vetoes = set(straxen.VetoProximity.veto_names) - set(event_rate.DEFAULTS["vetoes"])
    return {"unknown": sorted(made - known), "not subtracted": sorted(vetoes)}


def case_dead() -> Any:
    """Signals at 20 Hz, hidden by busy intervals of 1 ms, at two shares of the time."""
    rng = np.random.default_rng(5)
    said = {}
    for share in (0.15, 0.6, 0.9):
        busy = renewal.rows(rng, renewal.Renewal(share * 1000, 0.001), 600.0, "busy")
        events = sim.triggered_events(rng, 20.0, 600.0, busy)
        vetoes = Vetoes.of(sim.as_chunks(busy, 600.0, 1), event_rate.DEFAULTS)
        said[str(share)] = said_of(sim.as_chunks(events, 600.0), {"all": (0.0, 1000.0)}, vetoes)
    return said


def case_merged() -> Any:
    """Signals at 9 and 60 Hz; those within 2.65 ms are one event."""
    rng, said = np.random.default_rng(6), {}
    for rate in (9.0, 60.0):
        events = sim.triggered_events(rng, rate, 3600.0, np.zeros(0, renewal.ROWS))
        said[str(rate)] = said_of(sim.as_chunks(events, 3600.0), {"all": (0.0, 1000.0)}, Vetoes())
    return said


def case_main() -> Any:
    events = sim.as_chunks(sim.background_events(np.random.default_rng(1), 20, 60))
    vetoes = sim.as_chunks(rows(("busy", 1000, 7000)), 60.0, 2)
    first = chunk(rows(("busy", 1000, 7000)), 0, 30_000 * MS)
    return {
        "both": run_main(event_rate, {"event_info": events, "veto_intervals": vetoes}),
        "switched_off": run_main(event_rate, {"event_info": events}, vetoes=[]),
        "bands": run_main(event_rate, {"event_info": events}, bands={"peak": [40, 45]}, vetoes=[]),
        "half": run_main(event_rate, {"event_info": events, "veto_intervals": [first]}),
        "broken": run_main(event_rate, {"event_info": events, "veto_intervals": [first, DataCorrupted("gone")]}),
    }


def case_gap() -> Any:
    """10 Hz for an hour; a gap of 40 s that no veto explains, and the same inside one."""
    events = sim.background_events(np.random.default_rng(7), 10.0, 3600.0)
    gap = rows(("hev", 1_000_000, 1_040_000))
    seen = events[sim.outside(events["time"], gap)]
    vetoes = Vetoes.of(sim.as_chunks(gap, 3600.0, 1), event_rate.DEFAULTS)
    return {"data": rate(seen, 3600.0), "veto": said_of(sim.as_chunks(seen, 3600.0), {}, vetoes)}


def case_fired() -> Any:
    """Events of 2.65 ms at 2 Hz; 5 % of them fire a veto of 10 ms, 0.1 ms before their end, or none does."""
    said = {}
    for share in (0.05, 0.0):
        rng = np.random.default_rng(8)
        events = sim.triggered_events(rng, 2.0, 3600.0, np.zeros(0, renewal.ROWS))
        own = events["endtime"][rng.random(len(events)) < share] - 100_000
        begin = own if share else np.sort(rng.integers(0, 3599 * 10**9, 360))
        found = np.zeros(len(begin), renewal.ROWS)
        found["time"], found["endtime"], found["veto_type"] = begin, begin + 10 * MS, "hev"
        events = events[sim.outside(events["endtime"] - 250_000, found)]
        vetoes = Vetoes.of(sim.as_chunks(found, 3600.0, 1), event_rate.DEFAULTS)
        said[str(share)] = said_of(sim.as_chunks(events, 3600.0), {}, vetoes)["rate"]
    return said


def per_bin(mean: float, size: int = 1, bins: int = 2000) -> np.ndarray:
    """Return counts of clusters of ``size`` events each, all in one bin."""
    return size * np.random.default_rng(3).poisson(mean / size, bins)


def case_clustering() -> Any:
    whole = per_bin(4.0, 4)
    found = {"alone": per_bin(5.0), "fours": whole, "across": (whole + np.roll(whole, 1)) // 2, "even": np.full(50, 5)}
    return {name: clustering(counts, np.ones(len(counts))) for name, counts in (found | {"none": whole[:0]}).items()}


def case_silent_share() -> Any:
    """Shares of the live time, 20 of 2000 bins empty, or with the usual gaps of few or large clusters."""
    gap, live = per_bin(5.0), np.ones(2000)
    gap[400:420] = 0
    vetoed = np.where((np.arange(2000) >= 400) & (np.arange(2000) < 420), 0.0, 1.0)
    return {
        "gap": silent_share(gap, live, 1.0),
        "vetoed": silent_share(gap, vetoed, 1.0),
        "low": silent_share(per_bin(0.02), live, 1.0),
        "clusters": silent_share(per_bin(0.5, 20), live, 20.0),
        "clusters as single events": silent_share(per_bin(0.5, 20), live, 1.0),
        "nothing": silent_share(0 * gap, live, 1.0),
        "no bins": silent_share(gap[:0], live[:0], 1.0),
    }


def case_excess_share() -> Any:
    return [
        excess_share(1000, 900.0, 10_000, 1.0),
        excess_share(1000, 900.0, 10_000, 4.0),
        excess_share(0, 0.0, 0, 1.0),
    ]


def case_crowded() -> Any:
    events = np.zeros(60_000, sim.EVENT)
    events["time"] = np.arange(60_000) * 10**6
    events["endtime"] = events["time"] + 950_000
    return rate(events)


def case_zero_events() -> Any:
    return rate(np.zeros(0, sim.EVENT))


def case_handful() -> Any:
    return rate(sim.background_events(np.random.default_rng(1), 20, 60)[:7])


def case_no_energy() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 60)
    events["e_ces"] = np.nan
    return rate(events)


def case_no_time() -> Any:
    return rate(np.zeros(0, sim.EVENT), seconds=0.0, pieces=1)


def case_pieces() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 61.7)
    return [rate(events, 61.7, pieces) for pieces in (1, 13)]


def case_over_time() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 600)
    tally = event_rate.count(sim.as_chunks(events, 600.0, 7), {}, "e_ces", Vetoes())
    edges, counts = tally.seconds.parts()
    expected = np.histogram(events["time"], edges * 1e9)[0]
    return {"counts": counts.tolist(), "expected": expected.tolist(), "end": edges[-1]}


def case_step() -> Any:
    rng = np.random.default_rng(2)
    events = np.concatenate([sim.background_events(rng, 20, 300), sim.background_events(rng, 25, 300)])
    events["time"][np.flatnonzero(np.diff(events["time"]) < 0)[0] + 1 :] += 300 * 10**9
    events["endtime"] = events["time"] + 1
    return rate(events, 600.0)


def case_edges() -> Any:
    events = np.zeros(3, sim.EVENT)
    events["time"], events["e_ces"] = [1, 2, 3], [1.0, 10.0, 50.0]
    tally = event_rate.count(
        sim.as_chunks(events, 60.0, 1), event_rate.parse_bands({"a": [1, 10], "b": [10, 50]}), "e_ces", Vetoes()
    )
    return tally.in_band


def case_bands() -> Any:
    wrong = {"inverted": {"low": [10, 1]}, "three": {"low": [1, 2, 3]}, "name": {"a b": [1, 2]}}
    return {name: attempt(lambda bands=bands: event_rate.parse_bands(bands)) for name, bands in wrong.items()}


def case_intervals() -> Any:
    return [poisson_interval(n) for n in (0, 4, 100)]


def case_coverage() -> Any:
    """How often the 68.3 % interval of a count holds the truth, at small means."""
    rng = np.random.default_rng(1)
    held = {}
    for mean in (0.3, 1.0, 3.0, 10.0):
        intervals_ = [poisson_interval(int(n)) for n in rng.poisson(mean, 4000)]
        held[str(mean)] = float(np.mean([low <= mean <= high for low, high in intervals_]))
    return held


def case_steady() -> Any:
    """Share of steady runs whose test of constancy has a p-value below 0.05."""
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(200):
        tally = event_rate.count(sim.as_chunks(sim.background_events(rng, 20.0, 60.0)), {}, "e_ces", Vetoes())
        found = {result["variable_name"]: result for result in event_rate.results(tally, event_rate.DEFAULTS)}
        p_values.append(found["rate"]["data"]["constant_p_value"])
    return float(np.mean(np.array(p_values) < 0.05))


if __name__ == "__main__":
    cases.print_all(globals())
