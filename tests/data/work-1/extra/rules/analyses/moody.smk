
rule moody:
    output:
        xom.outcome("moody"),
    log:
        xom.log("moody"),
    params:
        command=xom.run("moody"),
    shell:
        "{params.command}"
