"""What is kept from tick to tick can be damaged in any way: the next tick gives the same answer as without it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.old_work import WITHOUT_SLURM, old_site
from support.site import Site
from xomlib.files import read_json

Damage = Callable[[bytes], bytes]
FORMS = ["", "{", "{}", "[]", "null", '"x"', "5", "[[]]", "[" * 100_000]


def values(other: Any) -> Damage:
    """Return a damage that keeps the names of an object, or of the one in each line, and makes every value another."""

    def line(content: bytes) -> bytes:
        whole = json.loads(content)
        return json.dumps(dict.fromkeys(whole, other) if isinstance(whole, dict) else other).encode()

    def damage(content: bytes) -> bytes:
        try:
            return line(content)
        except ValueError:
            return b"".join(line(one) + b"\n" for one in content.splitlines())

    return damage


DAMAGES: dict[str, Damage] = {
    **{form[:5]: lambda _, form=form: form.encode() for form in FORMS},  # type: ignore[misc]
    "half": lambda content: content[: len(content) // 2],
    "not text": lambda _: b"\xff\xfe",
    **{f"values {other!r}": values(other) for other in (None, 5, "x", [], {}, [5, "x", None], {"a": []})},
}


def kept(site: Site) -> list[Path]:
    return [*site.paths.cache.rglob("*.json"), *site.paths.ledger.rglob("*.json"), site.paths.page / "data/stamps.json"]


class Settled(NamedTuple):
    """A site, what a tick leaves there, and what it keeps."""

    site: Site
    answer: Any
    kept: dict[Path, bytes]

    def damage(self, damage: Damage, paths: Iterable[Path]) -> None:
        """Damage these of the kept files; what an earlier test damaged and no tick needed is good again before."""
        for path, content in self.kept.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for path in paths:
            path.write_bytes(damage(self.kept[path]))


def answer(site: Site) -> Any:
    """What a tick leaves: counts, sentences, outcomes, the results in the store, and the page's data."""
    done = site.tick(**WITHOUT_SLURM)
    summary = read_json(site.ticks()[-1].summary)
    folders = (site.paths.outcomes, site.paths.store / "test", site.paths.page / "data")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    lasting = [path for path in files if path.stem.isdecimal() or path.parent.parent.name == "outcomes"]
    named = {name: summary[name] for name in ("counts", "problems", "mistakes", "troubles", "items")}
    return done.returncode, named, {str(path): path.read_bytes() for path in lasting}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Settled:
    """A site at which nothing is left to do."""
    site = old_site(tmp_path_factory.mktemp("site"))
    site.tick(**WITHOUT_SLURM)
    expected = answer(site)
    return Settled(site, expected, {path: path.read_bytes() for path in kept(site)})


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_cache_changes_nothing(settled: Settled, name: str) -> None:
    settled.damage(DAMAGES[name], settled.kept)
    assert answer(settled.site) == settled.answer


@pytest.mark.parametrize("name", ["values None", "values {'a': []}"])
def test_a_single_damaged_cache_among_good_ones_changes_nothing(settled: Settled, name: str) -> None:
    """It comes back with the next look at the run documents, at the latest before anything is made of it."""
    for number, path in enumerate(settled.kept):
        settled.damage(DAMAGES[name], [path])
        os.utime(settled.site.folder / "runs.jsonl", (number, number))  # the documents count as changed
        assert answer(settled.site) == settled.answer, path


def test_there_is_a_cache_of_every_kind_that_a_site_without_strax_has(settled: Settled) -> None:
    assert {path.relative_to(settled.site.work).parts[0] for path in settled.kept} == {"cache", "ledger", "page"}
    assert {path.name for path in settled.kept} >= {"inventory.json", "digests.json", "052.json"}
