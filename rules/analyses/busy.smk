rule busy:
    output:
        xom.outcome("busy"),
    log:
        xom.log("busy"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("busy"),
        runtime=xom.minutes("busy"),
    params:
        command=xom.run("busy"),
    message:
        "busy: run {wildcards.run}"
    shell:
        "{params.command}"
