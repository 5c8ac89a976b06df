rule event_rate:
    output:
        xom.outcome("event_rate"),
    log:
        xom.log("event_rate"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("event_rate"),
        runtime=xom.minutes("event_rate"),
    params:
        command=xom.run("event_rate"),
    message:
        "event_rate: run {wildcards.run}"
    shell:
        "{params.command}"
