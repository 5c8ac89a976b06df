rule neutron_veto:
    output:
        xom.outcome("neutron_veto"),
    log:
        xom.log("neutron_veto"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("neutron_veto"),
        runtime=xom.minutes("neutron_veto"),
    params:
        command=xom.run("neutron_veto"),
    message:
        "neutron_veto: run {wildcards.run}"
    shell:
        "{params.command}"
