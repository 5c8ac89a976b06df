"""What docs/analyst.md tells an analyst to write works as it is printed there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from support import mini as mini_set
from support.site import Site
from xomflow.config.reference import json_schema
from xomflow.core.key import Key
from xomflow.core.paths import ROOT, analysis_rule

NAME = "drift_time"
SCRIPT, RULE = f"scripts/analyses/{NAME}.py", f"rules/analyses/{NAME}.smk"
RUNS = (52801, 52804)
"""First and last run of the set that are looked at; all are complete."""
# Reads the whole run at once with strax's own reader, and knows nothing of the page.
INDEPENDENT = """
import json, sys
import numpy as np
from mini_xenonnt.context import mini_xenonnt
found = {}
for run in sys.argv[2:]:
    drift = mini_xenonnt(sys.argv[1]).get_array(run, "event_basics", progress_bar=False)["drift_time"] / 1e3
    drift = drift[(drift > 0) & (drift < 2400)].astype(float)
    found[run] = [len(drift), np.mean(drift), np.std(drift, ddof=1) / len(drift) ** 0.5]
print(json.dumps(found))
"""


def blocks() -> dict[str, str]:
    """The fenced blocks of the page that have a title, by title."""
    page = (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")
    return dict(re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL))


def addition() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(blocks()["config.yaml"])
    return tree


def pending(site: Site) -> list[str]:
    """The runs that ``snakemake -n`` lists, by the message of the page's rule."""
    listed = site.snakemake("-n")
    assert listed.returncode == 0, listed.stderr
    return sorted(re.findall(rf"^Job \d+: {NAME}: run (\d{{6}})$", listed.stdout + listed.stderr, re.MULTILINE))


def read_independently(python: Path, site: Site, mini: Path, *runs: str) -> dict[str, list[float]]:
    """The number of drift times, their mean and its error, of each run."""
    script = site.folder / "independent.py"
    script.write_text(INDEPENDENT)
    found: dict[str, list[float]] = json.loads(mini_set.call(python, str(script), str(mini / "strax_data"), *runs))
    return found


@pytest.fixture
def followed(site: Site, mini: Path, straxen_python: Path) -> Site:
    """A site whose analyst did what the page says."""
    for name in (SCRIPT, RULE):
        place = site.folder / "extra" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(blocks()[name], encoding="utf-8")
    site.tree |= addition()
    mini_set.point(site, mini, straxen_python)
    site.tree["selection"] = {"min_run": RUNS[0], "max_run": RUNS[1]}
    site.tree["warm_start"] = {"enabled": True}
    site.write_config()
    return site


def test_the_page_has_the_three_pieces() -> None:
    assert set(blocks()) == {SCRIPT, RULE, "config.yaml"}


def test_the_configuration_block_follows_the_schema() -> None:
    tree = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    tree["analyses"] |= addition()["analyses"]
    assert [error.message for error in jsonschema.Draft202012Validator(json_schema()).iter_errors(tree)] == []


def test_the_rule_is_that_of_the_analyses_of_the_project() -> None:
    own = analysis_rule("event_rate").read_text(encoding="utf-8")
    assert own.replace("event_rate", NAME) == blocks()[RULE]


def test_every_failure_class_is_explained() -> None:
    schema = json.loads((ROOT / "src/xomlib/outcome.schema.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \|", page.partition("## What failures look like")[2], re.MULTILINE)
    assert sorted(explained) == sorted(schema["properties"]["failure"]["properties"]["class"]["enum"])


@pytest.mark.slow
def test_a_tick_does_what_the_page_promises(followed: Site, mini: Path, straxen_python: Path) -> None:
    runs = range(RUNS[0], RUNS[1] + 1)
    names = [f"{number:06d}" for number in runs]
    assert pending(followed) == names
    done = followed.tick()
    assert done.returncode == 0, done.stderr
    expected = read_independently(straxen_python, followed, mini, *names)
    for number, name in zip(runs, names, strict=True):
        outcome = followed.outcome(NAME, number)
        [result] = outcome["results"]
        n, mean, error = expected[name]
        assert (result["variable"], result["unit"], result["n"]) == ("mean_drift_time", "µs", n)
        if n < 50:
            assert result["insufficient"] == f"{n} events with a drift time, 50 needed"
        else:
            assert result["value"] == pytest.approx(mean, rel=1e-5)
            assert result["error"] == pytest.approx(error, rel=1e-4)
        picture = followed.paths.figure(Key(NAME, "v1", name), "drift_time.png")
        assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_by_hand_it_says_the_same_and_writes_nothing(followed: Site, mini: Path, straxen_python: Path) -> None:
    run = RUNS[0]
    before = sorted(followed.folder.rglob("*"))
    said = json.loads(mini_set.call(straxen_python, f"extra/{SCRIPT}", f"{run:06d}", folder=followed.folder))
    assert sorted(followed.folder.rglob("*")) == before
    expected = read_independently(straxen_python, followed, mini, f"{run:06d}")
    assert said["key"] == {"analysis": NAME, "version": "v1", "run": f"{run:06d}"}
    assert said["figures"] == ["drift_time.png"]
    assert said["results"][0]["value"] == pytest.approx(expected[f"{run:06d}"][1], rel=1e-5)
