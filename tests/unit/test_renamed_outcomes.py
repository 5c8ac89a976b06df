"""The content of an outcome after its analysis got another name."""

from __future__ import annotations

import json
from typing import Any

from support.factory import failed, outcome
from xomflow.outcomes.campaigns.renaming import under_new_name


def renamed(document: dict[str, Any]) -> dict[str, Any] | None:
    content = under_new_name(json.dumps(document).encode(), "kr83m", "krypton")
    return content and json.loads(content)


def test_only_the_name_in_its_key_changes() -> None:
    before = outcome(message="kr83m went well")
    assert renamed(before) == {**before, "key": {**before["key"], "analysis": "krypton"}}


def test_a_failure_names_the_log_where_it_is_then() -> None:
    record = failed()
    record["failure"]["log"] = "/data/logs/kr83m/work/logs/kr83m/v1/052/052894.log"
    after = renamed(record)
    assert after is not None
    assert after["failure"]["log"] == "/data/logs/kr83m/work/logs/krypton/v1/052/052894.log"


def test_what_is_another_analysis_or_no_outcome_is_left() -> None:
    assert renamed(outcome() | {"key": {"analysis": "rate", "version": "v1", "run": "052894"}}) is None
    assert under_new_name(b"{", "kr83m", "krypton") is None
    assert under_new_name(b"[]", "kr83m", "krypton") is None
