"""What each program of the workflow environment does first: correct an unusual environment, such as that of cron.

A file of that environment (``envs/make.sh``) has Python import this module before anything else, Snakemake included,
so it uses the standard library only.
"""

import os
import sys


def own_packages_first(places: list[str], foreign: str) -> list[str]:
    """Return where Python looks for modules, with the folders of ``PYTHONPATH`` last.

    Analyses may need that variable, and its packages may be made for another Python: they must not hide our own.
    """
    others = {os.path.abspath(place) for place in foreign.split(os.pathsep) if place}  # noqa: PTH100
    return sorted(places, key=lambda place: place in others)


def with_common_programs(path: str) -> str:
    """Return a ``PATH`` that finds the programs of rules; cron and timers may leave out the folders that have them."""
    found = [place for place in path.split(os.pathsep) if place]
    if any(os.access(os.path.join(place, "tee"), os.X_OK) for place in found):  # noqa: PTH118
        return path
    return os.pathsep.join([*found, *os.defpath.split(os.pathsep)])


def usable_cache(cache: str, instead: str) -> str:
    """Return a folder for caches: the usual one, or another one if nothing can be written there."""
    try:
        os.makedirs(os.path.join(cache, "snakemake"), exist_ok=True)  # noqa: PTH103, PTH118
    except OSError:
        return instead
    return cache


def start() -> None:
    """Make up for the surroundings of this process."""
    sys.path[:] = own_packages_first(sys.path, os.environ.get("PYTHONPATH", ""))
    os.environ["PATH"] = with_common_programs(os.environ.get("PATH", ""))
    if any(os.path.basename(word) == "snakemake" for word in sys.orig_argv[:3]):  # noqa: PTH119
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
        found = usable_cache(cache, os.path.abspath(".snakemake/cache"))  # noqa: PTH100
        if found != cache:
            os.environ["XDG_CACHE_HOME"] = found


start()
