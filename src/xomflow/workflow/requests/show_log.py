"""Find the log of a run: beside those of its shelf, or in the archive of the logs of finished runs."""

from __future__ import annotations

from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.files.archive import names_in_archive, read_from_archive
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.outcomes.files import names_in
from xomlib.files import read_bytes


def log_of(config: Config, analysis: str, run: str, version: str | None, attempt: int | None) -> tuple[str, list[str]]:
    """Return where a log is, and its lines.

    Parameters
    ----------
    config
        The configuration.
    analysis, run, version
        Which log; no version: the configured one, or that of a trial that lists call so.
    attempt
        Number of a failed attempt; None: the newest log.

    Raises
    ------
    UsageError
        If there is no such log; the sentence names those that there are.
    DamagedArchiveError
        If it may be in an archive that cannot be read.
    """
    paths, key = Paths(config.work), key_of_log(config, analysis, run, version)
    log = paths.log(key) if attempt is None else paths.log_of_attempt(key, attempt)
    archive = paths.log_archive(log.parent)
    place, content = str(log), _read(log)
    if content is None:  # a log is in the archive before it is removed
        place, content = f"{archive}, {log.name}", read_from_archive(archive, log.name)
    if content is None:
        raise UsageError(_sentence(key, log, archive))
    return place, content.decode(errors="replace").splitlines()


def key_of_log(config: Config, analysis: str, run: str, version: str | None) -> Key:
    """Return the key of a log; `UsageError` if neither configuration nor ``version`` has a version."""
    if version is None:
        if analysis not in config.blocks:
            hint = did_you_mean(analysis, config.blocks)
            raise UsageError(f"the configuration has no analysis {analysis!r}{hint}; give --version for an older one")
        analysis, block = config.blocks[analysis]
        version = block.version
    return Key(analysis, version, run)


def _read(log: Path) -> bytes | None:
    try:
        return read_bytes(log)
    except FileNotFoundError:
        return None


def _sentence(key: Key, log: Path, archive: Path) -> str:
    """Return what there is instead of a log: other attempts, or campaigns that begin with the run."""
    names = {*names_in(log.parent), *names_in_archive(archive)}
    others = sorted(name for name in names if name.startswith((f"{key.run}.", f"{key.run}-")) and name.endswith(".log"))
    there = f"there are {', '.join(others)}" if others else "it was never started, or its log was deleted"
    return f"{key}: there is no log {log.name}: {there}"
