"""In which order the jobs of a tick begin."""

from __future__ import annotations

from support.site import Site

NOTE = """
with open("order", "a") as file:
    file.write(f"{NAME} {int(run_id)}\\n")
xomlib.Xomresult(variable_name="number", variable_value=1).save()
"""


def test_the_newest_runs_begin_first_and_the_analyses_take_turns(snakemake_site: Site) -> None:
    site = snakemake_site
    site.runs(range(52001, 52006))
    for name in ("first", "second"):
        site.analysis(name, NOTE.replace("{NAME}", name))
    assert site.snakemake("--cores", "1").returncode == 0
    begun = (site.folder / "order").read_text().splitlines()
    assert begun == [f"{name} {number}" for number in range(52005, 52000, -1) for name in ("first", "second")]
