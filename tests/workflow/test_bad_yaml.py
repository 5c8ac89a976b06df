"""A configuration that is no YAML, or reads otherwise than it looks, ends Snakemake with a sentence and code 3."""

from __future__ import annotations

import subprocess

import pytest

from support.site import Site


@pytest.mark.parametrize(("text", "said"), [("a: b: c\n", "line 1, column 5"), ("", "is empty")])
def test_it_is_said_where(site: Site, text: str, said: str) -> None:
    (site.folder / "config.yaml").write_text(text)
    done = subprocess.run(site.command("-n"), cwd=site.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert said in done.stderr.splitlines()[-1]


def test_values_after_two_config_options_are_refused_instead_of_lost(site: Site) -> None:
    site.write_config()
    command = [*site.command("-n"), "--config", "work=other", "--config", "stale_after=9 d"]
    done = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, check=False)
    sentence = (
        "--config stands several times, and Snakemake takes only the last one: write all values after one --config"
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"{sentence}, separated by blanks")


def test_the_command_line_takes_nested_numbers_and_refuses_what_the_file_refuses(snakemake_site: Site) -> None:
    site = snakemake_site
    site.analysis("one", "pass")
    site.runs([52001, 52002])
    assert site.pending("--config", "selection={min_run: 52002}") == {("one", "052002")}
    refused = site.snakemake("-n", "--config", "selection={min_run: 052002}")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        3,
        "--config selection, line 1: 052002 is read as 21506: write 52002, or '052002' where a text is meant",
    )
