rule muon_veto:
    output:
        xom.outcome("muon_veto"),
    log:
        xom.log("muon_veto"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("muon_veto"),
        runtime=xom.minutes("muon_veto"),
    params:
        command=xom.run("muon_veto"),
    message:
        "muon_veto: run {wildcards.run}"
    shell:
        "{params.command}"
