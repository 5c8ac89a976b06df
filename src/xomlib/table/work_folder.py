"""Find the ``work`` folder of a site, as the command ``xom`` does, without a parser of YAML."""

import os
import re
from pathlib import Path
from typing import Optional, Union

from xomlib.errors import ResultsError

VARIABLE = "XOM_SITE"
_CONFIG = "config.yaml"
_OUTCOMES = "outcomes"
_WORK = re.compile(
    r"""^work:[ \t]+(?:"([^"\\\n]+)"|'([^'\n]+)'|([^\s"'#&*!|>{\[][^#\n]*?))[ \t]*(?:#.*)?$""", re.MULTILINE
)


def find_site(site: Optional[Union[str, Path]] = None) -> Path:
    """Return the folder of a site.

    Parameters
    ----------
    site
        The folder; None: ``$XOM_SITE``, else the working directory or the nearest folder above it that has
        ``config.yaml``.

    Raises
    ------
    ResultsError
        If there is none.
    """
    named = site or os.environ.get(VARIABLE)
    here = Path.cwd()
    for folder in [Path(named).expanduser()] if named else [here, *here.parents]:
        if (folder / _CONFIG).is_file():
            return folder
    if named:
        raise ResultsError(
            f"{'site' if site else f'${VARIABLE}'}: {named} is not the folder of a site, it has no {_CONFIG}"
        )
    raise ResultsError(f"no site: neither {here} nor a folder above it has {_CONFIG}; give site=DIR or set ${VARIABLE}")


def find_work(site: Optional[Union[str, Path]] = None) -> Path:
    """Return the folder with the outcomes.

    Parameters
    ----------
    site
        Folder of the site, or a ``work`` folder or a copy of one; None: as for `find_site`.

    Raises
    ------
    ResultsError
        If there is none.
    """
    named = site or os.environ.get(VARIABLE)
    if named and (Path(named).expanduser() / _OUTCOMES).is_dir():
        return Path(named).expanduser()
    return _work_of(find_site(site))


def _work_of(site: Path) -> Path:
    """Return the folder that ``work:`` of a configuration names."""
    found = _WORK.findall((site / _CONFIG).read_text(encoding="utf-8"))
    if len(found) != 1:
        raise ResultsError(f"{site / _CONFIG}: work: is no plain text there; give the folder itself as site")
    work = site / Path("".join(found[0])).expanduser()
    if not (work / _OUTCOMES).is_dir():
        raise ResultsError(f"{work} has no folder {_OUTCOMES}: there are no results yet, or the disk is away")
    return work
