"""A tag that nearly matches an excluded one excludes nothing, and is named once."""

from __future__ import annotations

from pathlib import Path

from support.factory import run, settings
from xomflow.planning.pending.overview import Overview
from xomflow.planning.pending.shelf import by_selection_key
from xomflow.planning.runs.near_tags import describe_near_tags, nearly_matches


def test_other_case_separators_and_slips_nearly_match() -> None:
    near = {"Bad": "bad", "BAD!": "bad", "ramp up": "ramp_up", "RampUp": "ramp_up", "bad-run": "bad"}
    near |= {"mesy": "messy", "abandoned": "abandon"}
    assert [tag for tag, excluded in near.items() if not nearly_matches(tag, excluded)] == []
    far = {"not_bad": "bad", "ramp_down": "ramp_up", "hot_spot_1": "hot_spot_2", "sr1": "sr0", "bed": "bad", "?": "!"}
    assert [tag for tag, excluded in far.items() if nearly_matches(tag, excluded)] == []


def test_each_tag_is_named_once_with_the_number_of_its_runs(tmp_path: Path) -> None:
    tags = {1: ["Bad"], 2: ["Bad", "messy"], 3: ["Bad"], 4: ["bad", "good", "Good"], 5: ["ramp up"]}
    config = settings(
        tmp_path,
        selection={"excluded_tags": ["_bad ", "messy"]},
        analyses={"one": {"version": "v1", "excluded_tags": ["ramp_up"], "included_tags": ["Good"]}},
    )
    tagged = Overview.of(by_selection_key(run(number, tags=names) for number, names in tags.items()), ()).tags
    correct = "correct it in the run database, or add it to excluded_tags"
    assert describe_near_tags(config, tagged) == [
        f"the tag 'Bad' (3 runs, the newest 000003) excludes nothing, unlike 'bad': {correct}",
        f"the tag 'ramp up' (1 run, the newest 000005) excludes nothing, unlike 'ramp_up': {correct}",
    ]
