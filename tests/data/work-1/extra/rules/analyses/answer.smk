
rule answer:
    output:
        xom.outcome("answer"),
    log:
        xom.log("answer"),
    params:
        command=xom.run("answer"),
    shell:
        "{params.command}"
