"""The layout of ``work``: one number in ``work/format``, so that no version works on a layout newer than itself.

A change of the layout raises `FORMAT`, adds a converter from the number before to `CONVERTERS`, and keeps a small
``work`` of the old layout as a test. A tick converts; commands that only read do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xomflow.core.errors import ConfigurationError
from xomflow.core.files.file_lock import exclusive
from xomflow.core.paths import Paths
from xomlib.files import write_atomically

FORMAT = 1
# The layout of a folder without the file: version 1.0 wrote none.
_WITHOUT_FILE = 1

Converter = Callable[[Paths], None]
# From each older layout to the next one.
CONVERTERS: Mapping[int, Converter] = {}


def format_of(paths: Paths) -> int:
    """Return the layout of ``work``; the present one if the folder has nothing of XOM yet.

    Raises
    ------
    ConfigurationError
        If the file does not hold a number.
    """
    try:
        text = paths.format.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            raise ConfigurationError(f"{paths.format}: cannot be read: {error.strerror}") from None
        return _WITHOUT_FILE if paths.outcomes.exists() or paths.ticks.exists() else FORMAT
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(f"{paths.format}: is {text[:40]!r}: the number of a layout is needed, as {FORMAT}")
    return int(text)


def check_format(paths: Paths, present: int = FORMAT, will_convert: bool = False) -> None:
    """Refuse a ``work`` of another layout; reads only.

    Parameters
    ----------
    paths
        Of the folder.
    present
        The layout that this version works on.
    will_convert
        Whether an older layout is accepted, since the caller will convert it.

    Raises
    ------
    ConfigurationError
        If the layout is newer, or older and not accepted.
    """
    found = format_of(paths)
    if found > present:
        raise ConfigurationError(
            f"{paths.format}: {paths.work} has layout {found}, and this version of XOM reads layouts up to {present}: "
            "start the newer version that wrote it"
        )
    if found < present and not will_convert:
        raise ConfigurationError(
            f"{paths.format}: {paths.work} has layout {found}, this version of XOM needs {present}: "
            "run `snakemake`, which converts it"
        )


def bring_up_to_date(paths: Paths, present: int = FORMAT, converters: Mapping[int, Converter] = CONVERTERS) -> None:
    """Convert ``work`` to the present layout and write its number; `ConfigurationError` if the layout is newer."""
    if not paths.format.exists() or format_of(paths) < present:
        with exclusive(paths.discovery_lock):  # another tick may be converting
            for older in range(format_of(paths), present):
                converters[older](paths)
                write_atomically(paths.format, f"{older + 1}\n")
            if not paths.format.exists():
                write_atomically(paths.format, f"{present}\n")
    check_format(paths, present)
