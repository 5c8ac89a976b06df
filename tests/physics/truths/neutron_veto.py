"""Truths of `neutron_veto`."""

import bursts
import veto_truths

SCENARIOS = [
    veto_truths.scenario("neutron_veto", "normal", "6000 events in 60 s", 100.0, 60.0, fast_runs=80),
    veto_truths.scenario(
        "neutron_veto", "lowest", "40 events; 30 are needed for the outer deciles", 1.0, 40.0, few=True, fast_runs=0
    ),
    veto_truths.scenario(
        "neutron_veto",
        "bursts",
        "30,000 events in 300 s, 20 % of them in bursts of five in 1 ms",
        100.0,
        300.0,
        how=bursts.Bursts(0.2, 5.0, 1e-3),
        fast_runs=60,
    ),
]
