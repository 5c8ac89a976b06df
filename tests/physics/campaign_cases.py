"""Campaigns against the combination of their runs, as JSON: how far apart they are, in standard deviations."""

import json

import numpy as np
from study import load_truths

CAMPAIGNS = 10


def main() -> None:
    """Print the differences of each variable over the campaigns."""
    campaign = load_truths("kr83m_campaign")
    told = [campaign.difference(np.random.default_rng(seed)) for seed in range(CAMPAIGNS)]
    print(json.dumps({name: [one[name] for one in told] for name in told[0]}))


if __name__ == "__main__":
    main()
