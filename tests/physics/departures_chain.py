"""All analyses on runs of the mini-XENONnT where corrections are wrong by a known amount, as JSON.

Runs under the analysis interpreter; `test_departures_chain.py` judges.
"""

import json
from typing import Any

import numpy as np
from study import load_truths

from mini_xenonnt.context import mini_xenonnt

chain = load_truths("full_chain")


def rows(odd: dict[str, float]) -> list[dict[str, Any]]:
    """Return what the analyses gave for every variable with a truth."""
    results, truths = chain.run(np.random.default_rng(12), odd)
    found = []
    for result in results:
        if (name := result["variable_name"]) in truths:
            data = result.get("data", {})
            row = {"variable": name, "truth": truths[name], "quality": data.get("quality")}
            row |= {key: result.get(key) for key in ("variable_value", "error", "insufficient")}
            found.append(row | {"systematic": data.get("systematic_error", 0.0)})
    return found


def radii(distortion: float, correction: float) -> dict[str, float]:
    """Return the radii (cm) within which 99 % of the events near the cathode lie, with and without straxen's map."""
    folder = chain.Path(chain.tempfile.mkdtemp(dir=chain.place()[0]))
    chain.made(np.random.default_rng(13), folder, chain.SPECS | {"field_distortion": distortion}, 2000)
    st = mini_xenonnt(folder / "data")
    st.set_config({"fdc_map": f"mini-undistorted://{correction}"})
    events = st.get_array(chain.RUN, "event_positions", progress_bar=False)
    deep = events[(events["z"] < -130) & (events["z"] > -148)]
    return {name: float(np.quantile(deep[name], 0.99)) for name in ("r", "r_naive")}


def main() -> None:
    """Print what is found."""
    found = {name: rows(odd) for name, odd in chain.DEPARTURES.items()}
    print(json.dumps({"rows": found, "radii": radii(0.05, 0.05)}))


if __name__ == "__main__":
    main()
