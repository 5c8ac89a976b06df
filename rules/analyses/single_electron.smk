rule single_electron:
    output:
        xom.outcome("single_electron"),
    log:
        xom.log("single_electron"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("single_electron"),
        runtime=xom.minutes("single_electron"),
    params:
        command=xom.run("single_electron"),
    message:
        "single_electron: run {wildcards.run}"
    shell:
        "{params.command}"
