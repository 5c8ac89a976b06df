rule scada:
    output:
        xom.outcome("scada"),
    log:
        xom.log("scada"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("scada"),
        runtime=xom.minutes("scada"),
    params:
        command=xom.run("scada"),
    message:
        "scada: run {wildcards.run}"
    shell:
        "{params.command}"
