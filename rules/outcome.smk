# No tick uses this rule: it explains to people who ask for an outcome by its path that only a claimed run is analysed.
rule outcome:
    input:
        xom.refuse_target,
    output:
        xom.every_outcome,
    wildcard_constraints:
        analysis="[^/]+",
        version="[^/]+",
    message:
        "Refusing to make {output} outside a tick"
    shell:
        "false"
