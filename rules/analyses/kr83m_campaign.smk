rule kr83m_campaign:
    output:
        xom.outcome("kr83m_campaign"),
    log:
        xom.log("kr83m_campaign"),
    threads: 1
    resources:
        mem_mb=xom.memory_mb("kr83m_campaign"),
        runtime=xom.minutes("kr83m_campaign"),
    params:
        command=xom.run("kr83m_campaign"),
    message:
        "kr83m_campaign: runs from {wildcards.run} on"
    shell:
        "{params.command}"
