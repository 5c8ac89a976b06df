# Writes the summary of the tick and renews the page.
rule report:
    input:
        xom.tick.published,
    output:
        xom.tick.summary,
    log:
        xom.tick.log("report"),
    params:
        command=xom.step("report"),
    message:
        "Renewing the page"
    shell:
        "{params.command} 2>&1 | tee {log:q}"
