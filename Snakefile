from xomflow.workflow.snakemake.rules import CONSTRAINTS, Rules, checked


configfile: checked("config.yaml")


xom = Rules(workflow, config)


wildcard_constraints:
    **CONSTRAINTS,


localrules:
    all,
    discover,
    publish,


rule all:
    default_target: True
    input:
        xom.tick.summary,


include: "rules/discover.smk"
include: "rules/publish.smk"
include: "rules/outcome.smk"


for analysis, file in xom.analysis_rules():
    with xom.isolate_rule_file(analysis):

        include: file


onstart:
    xom.begin()


onsuccess:
    xom.end(failed=False)


onerror:
    xom.end(failed=True)
