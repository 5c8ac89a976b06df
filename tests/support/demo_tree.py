"""The tree of the demo's configuration, for golden files; ``python tests/support/demo_tree.py`` writes these anew."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/data/grafana"
DIGESTS = "digests.txt"
# Boards of other analyses are alike; of these only digests are kept.
WHOLE = ("provisioning/", "-demonstrator", "-operations", "-run", "-daq_rate", "-photo_ionization")


def demo_tree() -> dict[str, str]:
    """Return what a site with the demo's configuration and results writes, by path."""
    from xomflow.config.load import load_configuration
    from xomflow.core.paths import Paths
    from xomflow.grafana import tree as grafana
    from xomflow.grafana.site import Bucket
    from xomflow.outcomes.past.makers import Makers
    from xomflow.workflow.documents import ReportConfig
    from xomflow.workflow.ending.dashboards import site_of
    from xomlib.files import read_json

    config = ReportConfig.of(load_configuration(ROOT / "config.yaml", check_files=False))
    units = read_json(GOLDEN / "variables.json")  # by analysis and version, as `make demo` gave them
    makers = {(name.split()[0], name.split()[1]): Makers(units=of) for name, of in units.items()}
    # A version that is raised, or an analysis that comes, changes no golden file.
    titles = {name: replace(config.analyses[name], version=version) for name, version in makers}
    config = replace(config, analyses=titles)
    bucket = Bucket("https://influx.example.org", "xenon", "xom")
    return grafana.files_of(site_of(Paths(Path("/srv/xom/work")), config, bucket, makers))


def kept(tree: dict[str, str]) -> dict[str, str]:
    """Return the content of the golden files of a tree."""
    digests = [f"{hashlib.sha256(text.encode()).hexdigest()[:16]}  {name}" for name, text in tree.items()]
    whole = {name: text for name, text in tree.items() if any(part in name for part in WHOLE)}
    return {**whole, DIGESTS: "\n".join([*digests, ""])}


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src")]
    for name, text in kept(demo_tree()).items():
        (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(text, encoding="utf-8")
