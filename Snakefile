import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from xomflow.rules import CONSTRAINTS, Rules, check_yaml

check_yaml("config.yaml")


configfile: "config.yaml"


xom = Rules(workflow, config)


wildcard_constraints:
    **CONSTRAINTS,


localrules:
    all,
    discover,
    publish,
    report,


rule all:
    default_target: True
    input:
        xom.tick.summary,


include: "rules/discover.smk"
include: "rules/publish.smk"
include: "rules/report.smk"


for file in xom.analysis_rules():

    include: file


onstart:
    xom.begin()


onsuccess:
    xom.end(failed=False)


onerror:
    xom.end(failed=True)
