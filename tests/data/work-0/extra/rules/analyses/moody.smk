
rule moody:
    output:
        xom.outcome("moody"),
    log:
        xom.log("moody"),
    benchmark:
        xom.benchmark("moody")
    params:
        command=xom.run("moody"),
    shell:
        "{params.command}"
