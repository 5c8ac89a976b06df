# Publishes what the store does not have in its present form; when a job failed the Snakefile calls the same command.
rule publish:
    input:
        lambda wildcards: xom.pending(checkpoints.discover.get),
    output:
        xom.tick.published,
    log:
        xom.tick.log("publish"),
    params:
        command=xom.step("publish"),
    message:
        "Publishing results"
    shell:
        "{params.command} 2>&1 | tee {log}"
