"""A configuration that is no YAML ends Snakemake with a sentence and an exit code of its own."""

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
