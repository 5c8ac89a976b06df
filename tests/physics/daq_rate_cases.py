"""What daq_rate does, as JSON; needs the analysis environment."""

import json
from typing import Any

import analysis_scripts
from fake_run import FACTS, run_main

daq_rate = analysis_scripts.load("daq_rate")


def said(**facts: Any) -> Any:
    """Return what main says for a run with these facts."""
    return run_main(daq_rate, {}, facts={**FACTS, **facts})


def main() -> None:
    """Print all cases as one JSON document."""
    rates = {"tpc": 20.25, "muon_veto": 1.5, "neutron_veto": 6.125}
    most = {name: 2 * value for name, value in rates.items()}
    document = {
        "all": said(rate=rates, rate_max=most),
        "contradiction": said(rate=rates, rate_max=rates | {"tpc": 12.0}),
        "negative": said(rate=rates | {"tpc": -1.5}, rate_max=most),
        "one_missing": said(rate={"tpc": 20.25}, rate_max={"tpc": 30.0, "muon_veto": 2.0}),
        "zero": said(detectors=["tpc"], rate={"tpc": 0.0}, rate_max={"tpc": 0.0}),
        "settings": run_main(daq_rate, {}, units="kB/s"),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
