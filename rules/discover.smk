# Finds the runs that are ready, claims those of this tick, writes the run lists.
checkpoint discover:
    output:
        xom.tick.claims,
    log:
        xom.tick.log("discover"),
    params:
        command=xom.step("discover"),
    message:
        "Looking for work"
    shell:
        "{params.command} 2>&1 | tee {log:q}"
