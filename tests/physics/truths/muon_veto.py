"""Truths of `muon_veto`."""

import bursts
import veto_truths

SCENARIOS = [
    veto_truths.scenario("muon_veto", "normal", "144 events in an hour", 0.04, 3600.0),
    veto_truths.scenario("muon_veto", "high", "2000 events", 1.0, 2000.0, fast_runs=0),
    veto_truths.scenario(
        "muon_veto", "lowest", "20 events in 500 s; 12 are needed for the outer quartiles", 0.04, 500.0, few=True
    ),
    veto_truths.scenario(
        "muon_veto",
        "bursts",
        "144 events in an hour, half of them in bursts of three in 1 s",
        0.04,
        3600.0,
        how=bursts.Bursts(0.5, 3.0, 1.0),
        fast_runs=60,
    ),
]
