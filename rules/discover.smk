# Finds the runs that are ready, claims those of this tick, writes the run lists.
checkpoint discover:
    output:
        xom.tick.claims,
    log:
        xom.tick.log("discover"),
    message:
        "Looking for work"
    run:
        xom.take("discover")
