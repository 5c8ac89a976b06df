# Publishes the outcomes that the store does not have in their present form, writes the summary of the tick and renews
# the page. After a failed job, when Snakemake does not run this rule, the Snakefile starts the same command.
rule publish:
    input:
        lambda wildcards: xom.pending(checkpoints.discover.get),
    output:
        xom.tick.summary,
    log:
        xom.tick.log("publish"),
    message:
        "Publishing results"
    run:
        xom.take("publish")
