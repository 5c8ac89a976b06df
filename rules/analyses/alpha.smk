rule alpha:
    output:
        xom.outcome("alpha"),
    log:
        xom.log("alpha"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("alpha"),
        runtime=xom.minutes("alpha"),
    params:
        command=xom.run("alpha"),
    message:
        "alpha: run {wildcards.run}"
    shell:
        "{params.command}"
