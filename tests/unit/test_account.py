"""Whose the folder ``work`` is, and what another account may do there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xomflow.core import account
from xomflow.core.account import must_own, other_owner, own_account
from xomflow.core.errors import UsageError
from xomflow.core.exit_code import ExitCode


def test_our_own_folder_and_none_at_all_are_ours(tmp_path: Path) -> None:
    assert [other_owner(tmp_path), other_owner(tmp_path / "nowhere")] == ["", ""]
    must_own(tmp_path)


def test_a_folder_of_another_account_ends_a_tick_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = own_account()
    monkeypatch.setattr(os, "geteuid", lambda: 61002)
    with pytest.raises(UsageError) as caught:
        must_own(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} belongs to {owner}, and you are 61002: "
        f"only {owner} runs ticks and jobs here; you can use -n, status and why"
    )
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_owner_that_the_kernel_does_not_know_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_NO_ACCOUNT", tmp_path.stat().st_uid)
    monkeypatch.setattr(os, "geteuid", lambda: 61002)
    assert other_owner(tmp_path) == ""
