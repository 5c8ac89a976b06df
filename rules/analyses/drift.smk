rule drift:
    output:
        xom.outcome("drift"),
    log:
        xom.log("drift"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("drift"),
        runtime=xom.minutes("drift"),
    params:
        command=xom.run("drift"),
    message:
        "drift: run {wildcards.run}"
    shell:
        "{params.command}"
