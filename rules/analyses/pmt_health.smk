rule pmt_health:
    output:
        xom.outcome("pmt_health"),
    log:
        xom.log("pmt_health"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("pmt_health"),
        runtime=xom.minutes("pmt_health"),
    params:
        command=xom.run("pmt_health"),
    message:
        "pmt_health: run {wildcards.run}"
    shell:
        "{params.command}"
