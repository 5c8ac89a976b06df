
rule answer:
    output:
        xom.outcome("answer"),
    log:
        xom.log("answer"),
    benchmark:
        xom.benchmark("answer")
    params:
        command=xom.run("answer"),
    shell:
        "{params.command}"
