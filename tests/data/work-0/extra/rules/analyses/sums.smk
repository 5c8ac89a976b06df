
rule sums:
    output:
        xom.outcome("sums"),
    log:
        xom.log("sums"),
    benchmark:
        xom.benchmark("sums")
    params:
        command=xom.run("sums"),
    shell:
        "{params.command}"
