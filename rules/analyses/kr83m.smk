rule kr83m:
    output:
        xom.outcome("kr83m"),
    log:
        xom.log("kr83m"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("kr83m"),
        runtime=xom.minutes("kr83m"),
    params:
        command=xom.run("kr83m"),
    message:
        "kr83m: run {wildcards.run}"
    shell:
        "{params.command}"
