rule photo_ionization:
    output:
        xom.outcome("photo_ionization"),
    log:
        xom.log("photo_ionization"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("photo_ionization"),
        runtime=xom.minutes("photo_ionization"),
    params:
        command=xom.run("photo_ionization"),
    message:
        "photo_ionization: run {wildcards.run}"
    shell:
        "{params.command}"
