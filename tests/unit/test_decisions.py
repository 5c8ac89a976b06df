"""Decisions: small files of people who may decide, and what follows from the set of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.decisions import files
from xomflow.decisions.files import (
    DecisionError,
    Decisions,
    read_decisions,
    replace_decision,
    standing_decisions,
    write_decision,
)
from xomflow.decisions.model import Decision, Subject, Verb, accepted, standing, to_redo

NOW = datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=UTC)
SUBJECT = Subject("kr83m", "v1", runs=("052001", "052002"), digests=("ab12",))
ACCEPTED = Decision(Verb.ACCEPT, SUBJECT, "kim", NOW, "the disk was replaced")
STRANGER = 54321


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "work")
    found.decisions.mkdir(parents=True)
    return found


def test_what_is_written_is_read_with_who_when_and_why(paths: Paths) -> None:
    until = replace(ACCEPTED, until=NOW + timedelta(days=1), who="kim@host é")
    for decision in (ACCEPTED, ACCEPTED, until):
        write_decision(paths, decision)
    assert sorted(os.listdir(paths.decisions)) == [
        "20261128T120000Z-accept-kim-2.json",
        "20261128T120000Z-accept-kim.json",
        "20261128T120000Z-accept-kim_host__.json",
    ]
    text = (paths.decisions / "20261128T120000Z-accept-kim_host__.json").read_text()
    assert json.loads(text).keys() == {"what", "subject", "who", "when", "why", "until"}
    assert json.loads(text)["subject"].keys() == {"analysis", "version", "runs", "digests"}
    assert "kim@host é" in text
    found = read_decisions(paths)
    assert found.problems == ()
    assert sorted(found.made, key=lambda one: one.name) == [ACCEPTED, ACCEPTED, until]


def test_a_decision_can_be_read_by_the_owner_of_work_whatever_the_umask_is(paths: Paths) -> None:
    before = os.umask(0o077)
    try:
        assert write_decision(paths, ACCEPTED).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_the_first_decision_makes_the_folder_of_decisions(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    path = write_decision(Paths(tmp_path / "work"), ACCEPTED)
    assert read_decisions(Paths(tmp_path / "work")).made == (ACCEPTED,)
    assert path.parent == Paths(tmp_path / "work").decisions


def test_a_decision_is_written_in_the_place_of_another_one(paths: Paths) -> None:
    path = write_decision(paths, ACCEPTED)
    before = os.umask(0o077)
    try:
        replace_decision(paths, replace(ACCEPTED, why="the disk came back", name=path.name))
    finally:
        os.umask(before)
    assert [one.why for one in read_decisions(paths).made] == ["the disk came back"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_decision_is_written_where_there_are_no_hard_links(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    names = {write_decision(paths, ACCEPTED).name for _ in range(2)}
    assert names == set(os.listdir(paths.decisions))
    assert len(read_decisions(paths).made) == 2


CONTENT = ACCEPTED.to_json()
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.touch(), "Expecting value"),
    "half": (lambda path: path.write_text(json.dumps(CONTENT)[:40]), "Unterminated|Expecting"),
    "list": (lambda path: path.write_text("[]"), "nothing: it is not a JSON object"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe"), "codec"),
    "folder": (lambda path: path.mkdir(), "it is not a file"),
    "pipe": (os.mkfifo, "it is not a file"),
    "link": (lambda path: path.symlink_to("/etc/passwd"), "it is not a file"),
    "no reason": (lambda path: path.write_text(json.dumps(CONTENT | {"why": " "})), "it has no reason"),
    "nobody": (lambda path: path.write_text(json.dumps(CONTENT | {"who": None})), "must be texts"),
    "no time": (lambda path: path.write_text(json.dumps(CONTENT | {"when": "now"})), "does not match"),
    "later verb": (lambda path: path.write_text(json.dumps(CONTENT | {"what": "praise"})), "decides 'praise'"),
    "no subject": (lambda path: path.write_text(json.dumps({"what": "redo"})), "it has no 'who'"),
    "odd subject": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": []})), "not a JSON object"),
    "odd runs": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"runs": "all"}})), "not a list"),
    "run of six letters": (
        lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"runs": ["052894", "the ill"]}})),
        "'the ill' in its subject is not the id of a run or campaign, such as '052894'",
    ),
    "odd run": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"runs": [52001]}})), "not a text"),
    "odd attempts": (
        lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"attempts": ["1"]}})),
        "not numbers",
    ),
    "odd number": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"most": True}})), "not a number"),
    "odd text": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"version": 1}})), "not a text"),
    "unknown": (lambda path: path.write_text(json.dumps(CONTENT | {"subject": {"run": "1"}})), "unknown entry 'run'"),
    "open to all": (lambda path: (path.write_text(json.dumps(CONTENT)), path.chmod(0o666)), "run: chmod o-w"),
}


def test_an_odd_file_costs_only_itself(paths: Paths) -> None:
    write_decision(paths, ACCEPTED)
    for name, (make, _) in ODD.items():
        make(paths.decisions / f"{name}.json")
    (paths.decisions / ".hidden.part").touch()
    found = read_decisions(paths)
    assert found.made == (ACCEPTED,)
    ends = " is no decision and counts for nothing: "
    said = {Path(one.partition(ends)[0]).stem: one for one in found.problems}
    assert said.keys() == ODD.keys()
    assert {name: one for name, one in said.items() if not re.search(ODD[name][1], one)} == {}


def test_a_decision_that_cannot_be_read_is_a_problem_and_a_deleted_one_is_none(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_decision(paths, ACCEPTED)
    for error, problems in (
        (FileNotFoundError(2, "No such file"), ()),
        (OSError(5, "Input/output error"), (f"{path} is no decision and counts for nothing: Input/output error",)),
    ):
        monkeypatch.setattr(files, "read_json", mock.Mock(side_effect=error))
        assert read_decisions(paths) == Decisions(problems=problems)


def test_a_decision_of_a_machine_whose_clock_is_ahead_is_said_until_it_counts() -> None:
    decisions = Decisions((replace(ACCEPTED, name="a.json"),))
    assert decisions.begin_later(NOW - timedelta(hours=1)) == [
        "the decision a.json counts from 2026-11-28T12:00:00Z on, later than now: the clock of the machine on which it "
        "was made is ahead, or this one's is behind"
    ]
    assert decisions.begin_later(NOW) == []


def test_only_the_owner_of_work_and_members_of_its_group_decide(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    group = paths.decisions.stat().st_gid
    written = write_decision(paths, ACCEPTED)
    owner, real = paths.work.stat().st_uid, Path.lstat

    def of_stranger(path: Path) -> os.stat_result:
        found = list(real(path))
        return os.stat_result([*found[:4], STRANGER if path == written else found[4], *found[5:]])

    monkeypatch.setattr(Path, "lstat", of_stranger)
    for groups, counts in ((frozenset(), 0), (frozenset({group + 1}), 0), (frozenset({group, 7}), 1)):
        monkeypatch.setattr(files, "_groups_of", lambda uid, groups=groups: groups if uid == STRANGER else frozenset())
        found = read_decisions(paths)
        assert (len(found.made), len(found.problems)) == (counts, 1 - counts)
    monkeypatch.setattr(files, "_groups_of", lambda uid: frozenset())
    assert write_decision(paths, ACCEPTED).exists(), "the owner needs no group"
    assert f"{STRANGER} wrote it, not {files.account(owner)} or a member of group" in read_decisions(paths).problems[0]
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    with pytest.raises(DecisionError, match=f"{STRANGER} cannot decide here, only {files.account(owner)}, who owns"):
        write_decision(paths, ACCEPTED)


def test_a_member_who_may_not_write_is_told_what_the_owner_can_do(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "_create", refuse)
    for folder in (paths.decisions, paths.work):  # at last there is no folder of decisions
        with pytest.raises(DecisionError, match=rf"{folder}: .* may not write here; .* with: chmod g\+ws {folder}$"):
            write_decision(paths, ACCEPTED)
        paths.decisions.exists() and paths.decisions.rmdir()


def test_nothing_is_decided_without_a_work_folder(tmp_path: Path) -> None:
    with pytest.raises(DecisionError, match="there is no such folder, so nothing can be decided"):
        write_decision(Paths(tmp_path / "work"), ACCEPTED)


def test_an_acceptance_without_some_of_its_runs_is_still_of_what_was_shown() -> None:
    rest = ACCEPTED.without({"052001"})
    assert rest is not None
    assert (rest.subject.runs, rest.subject.digests) == (("052002",), ("ab12",))


def test_the_decisions_that_stood_at_another_moment_can_be_asked_for(paths: Paths) -> None:
    write_decision(paths, replace(ACCEPTED, until=NOW + timedelta(hours=1)))
    hours = [len(standing_decisions(paths, NOW + timedelta(hours=n))) for n in (-1, 0, 1)]
    assert hours == [0, 1, 0]


def test_no_folder_is_no_decision(tmp_path: Path) -> None:
    assert read_decisions(Paths(tmp_path)).made == ()


def test_decisions_stand_from_their_time_until_they_end_or_are_withdrawn() -> None:
    ends = replace(ACCEPTED, name="b", until=NOW + timedelta(hours=1))
    future = replace(ACCEPTED, name="c", when=NOW + timedelta(hours=2))
    takes_back = Decision(Verb.WITHDRAW, Subject(decisions=("a",)), "kim", NOW + timedelta(hours=3), "wrong disk")
    made = [takes_back, future, replace(ACCEPTED, name="a"), ends]
    hours = [[one.name for one in standing(made, NOW + timedelta(hours=n))] for n in (-1, 0, 1, 2, 3)]
    assert hours == [[], ["a", "b"], ["a"], ["a", "c"], ["c"]]


@given(st.permutations(range(6)))
def test_the_order_of_decisions_changes_nothing(order: list[int]) -> None:
    later = NOW + timedelta(seconds=1)
    made = [
        replace(ACCEPTED, name="0"),
        replace(ACCEPTED, name="1", when=later, subject=replace(SUBJECT, runs=("052001",))),
        replace(ACCEPTED, name="2", what=Verb.REDO, subject=replace(SUBJECT, digests=("x", "y"))),
        replace(ACCEPTED, name="3", what=Verb.REDO, subject=replace(SUBJECT, runs=("052001",), digests=("z",))),
        replace(ACCEPTED, name="4", what=Verb.REDO, subject=replace(SUBJECT, runs=("052003",))),
        Decision(Verb.WITHDRAW, Subject(decisions=("4",)), "kim", NOW, "no", name="5"),
    ]
    stand = standing([made[n] for n in order], later)
    assert accepted(stand, "kr83m", "v1") == {"052001": later, "052002": NOW}
    assert accepted(stand, "kr83m", "v2") == accepted(stand) == {}
    assert to_redo(stand) == {
        Key("kr83m", "v1", "052001"): {"x", "z"},
        Key("kr83m", "v1", "052002"): {"y"},
    }
