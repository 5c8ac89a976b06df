rule daq_rate:
    output:
        xom.outcome("daq_rate"),
    log:
        xom.log("daq_rate"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("daq_rate"),
        runtime=xom.minutes("daq_rate"),
    params:
        command=xom.run("daq_rate"),
    message:
        "daq_rate: run {wildcards.run}"
    shell:
        "{params.command}"
