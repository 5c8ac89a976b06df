"""Sentences about the data that a run lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def describe_missing(
    alternatives: Iterable[Collection[str]],
    have: Collection[str],
    folders: Mapping[tuple[str, str], bool],
    hashes: Mapping[str, str],
    locations: Mapping[str, str] | None = None,
) -> str:
    """Return a sentence about the missing data, what is here instead, and what is wrong with it.

    Parameters
    ----------
    alternatives
        Sets of types of which one must be complete, and none is.
    have
        Types that can be read.
    folders
        The (type, lineage hash) of all the run's folders, and whether they are complete.
    hashes
        The wanted lineage hashes.
    locations
        Where the types are according to the run database, each beginning with a space; see `describe_location`.
    """
    locations = locations or {}
    gaps = [tuple(name for name in one if name not in have) for one in alternatives]
    gap = min(gaps, key=len)
    wanted = " or ".join(" + ".join(one) for one in dict.fromkeys(gaps))
    lacking = {name for one in gaps for name in one}
    here = sorted({name for (name, _), complete in folders.items() if complete and name not in lacking})
    there = f"{_and(here)} {'is' if len(here) == 1 else 'are'} here" if here else "nothing of the run can be read here"
    return f"waiting for {wanted}: {there}, " + ", ".join(
        _describe_gap(name, folders, hashes[name]) + locations.get(name, "") for name in gap
    )


def _describe_gap(name: str, folders: Iterable[tuple[str, str]], wanted: str) -> str:
    found = {digest for one, digest in folders if one == name}
    if wanted in found:
        return f"{name} is here but broken: writing it went wrong"
    if f"{wanted}_temp" in found:
        return f"{name} is being written, or was left unfinished"
    others = sorted(digest for digest in found if not digest.endswith("_temp"))
    if others:
        return f"{name} is here with another lineage ({others[0]}, wanted {wanted})"
    return f"{name} is not at this site"


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
