"""Points of the first XOM, and the runs that they are about."""

from __future__ import annotations

from typing import Any

import pytest

from xomflow.workflow.requests.moving.former_points import FormerPoint


@pytest.mark.parametrize(
    ("tags", "fields", "run"),
    [
        ({}, {"runid": 52894.0}, 52894),
        ({"run_id": "052894"}, {}, 52894),
        ({"run_id": "052894"}, {"runid": 0}, 0),
        ({}, {"runid": 999_999}, 999_999),
        ({}, {"runid": 1_000_000}, None),
        ({}, {"runid": -1}, None),
        ({}, {"runid": float("inf")}, None),
        ({"run_id": "the last one"}, {}, None),
        ({}, {}, None),
    ],
)
def test_the_run_of_a_point_is_a_field_or_a_tag(tags: dict[str, str], fields: dict[str, Any], run: int | None) -> None:
    assert FormerPoint("kr83m", "v1", "light_yield", 0, tags, fields).run == run
