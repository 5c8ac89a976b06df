rule peak_rate:
    output:
        xom.outcome("peak_rate"),
    log:
        xom.log("peak_rate"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("peak_rate"),
        runtime=xom.minutes("peak_rate"),
    params:
        command=xom.run("peak_rate"),
    message:
        "peak_rate: run {wildcards.run}"
    shell:
        "{params.command}"
