"""Find the site: the folder with the configuration."""

from __future__ import annotations

import os
from pathlib import Path

from xomflow.core.errors import ConfigurationError

VARIABLE = "XOM_SITE"


def find_site(given: Path | None, config: Path) -> Path:
    """Return the folder of the site that a command works on.

    Parameters
    ----------
    given
        The folder of ``--site``; None: that of ``$XOM_SITE``, else the working directory or the nearest folder above
        it that has the configuration.
    config
        Name of the configuration in the site's folder.

    Raises
    ------
    ConfigurationError
        If there is no such folder.
    """
    named = [("--site", given)] if given else [(f"${VARIABLE}", Path(os.environ.get(VARIABLE, "")))]
    for source, folder in named if given or os.environ.get(VARIABLE) else ():
        if not (folder / config).is_file():
            raise ConfigurationError(f"{source}: {folder} is not the folder of a site, it has no {config}")
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / config).is_file():
            return folder
    raise ConfigurationError(
        f"no site: neither {here} nor a folder above it has {config}; give --site DIR or set ${VARIABLE}"
    )
