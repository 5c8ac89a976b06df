"""Accounts of the machine: who runs this process, and whose the folder ``work`` is."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from xomflow.core.errors import UsageError

# The owner that the kernel names where it cannot see the real one: in containers, on some network file systems.
_NO_ACCOUNT = 65534


def own_account() -> str:
    """Return the name of the account that runs this process."""
    return owner_of(os.geteuid())


def other_owner(work: Path) -> str:
    """Return the account that owns a ``work`` folder; empty if it is ours, unknown, or there is no such folder."""
    try:
        owner = work.stat().st_uid
    except OSError:
        return ""
    return "" if owner in (os.geteuid(), _NO_ACCOUNT) else owner_of(owner)


def must_own(work: Path) -> None:
    """Raise `UsageError` if another account owns a ``work`` folder: only its owner runs ticks and jobs."""
    if owner := other_owner(work):
        raise UsageError(f"{whose(work, owner)}: only {owner} runs ticks and jobs here; you can use -n, status and why")


def whose(work: Path, owner: str) -> str:
    """Return a phrase about the owner of a ``work`` folder."""
    return f"{work.absolute()} belongs to {owner}, and you are {own_account()}"


def owner_of(number: int) -> str:
    """Return the name of an account, or its number if it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
