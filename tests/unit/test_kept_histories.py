"""Whatever happens, in any order: what is kept of the pending work gives the same as a look at everything."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support import factory
from support.effort import tries
from support.factory import NOW, keep, outcome, result
from support.site import document
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, group_id, run_id
from xomflow.core.paths import Paths
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.campaigns.groups import write_groups
from xomflow.outcomes.files import digest_of
from xomflow.planning.pending.find import find_pending, load_pending
from xomflow.rundb.database import FileRunDB

# On three shelves; two of them are next to each other across a boundary.
RUNS = (51007, 51998, 51999, 52000, 52001, 53500)
ANALYSES = ("light", "charge", "kr83m")


class World:
    """A site whose documents and outcomes change; each change has a time stamp of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.paths = folder, Paths(folder / "work")
        self.documents: dict[int, Any] = {}
        self.versions = dict.fromkeys(ANALYSES, "v1")
        self.moment = time.time() - 1e6

    @property
    def config(self) -> Config:
        blocks: dict[str, Any] = {name: {"version": version} for name, version in self.versions.items()}
        blocks["charge"] |= {"run_modes": ["tpc_bkg"], "excluded_tags": ["bad"], "min_run": 51500}
        blocks["kr83m"] |= {"period": {"gap": "12 h", "wait": "0 s"}, "run_modes": ["tpc_kr83m"]}
        science_runs = [{"name": "SR0", "min_run": 51000, "max_run": 51999}, {"name": "SR1", "min_run": 52000}]
        return factory.settings(self.folder / "work", analyses=blocks, science_runs=science_runs)

    def do(self, what: str, number: int, name: str) -> None:
        actions: dict[str, Callable[[], object]] = {
            "come": lambda: self.document(number, name),
            "tag": lambda: self.document(number, name, tags=[{"name": "bad"}]),
            "calibrate": lambda: self.document(number, name, mode="tpc_kr83m"),
            "go on": lambda: self.document(number, name, end=...),
            "garble": lambda: self.document(number, name, mode=...),
            "break": lambda: self.documents.update({number: f'{{"number": {number}, "mode": {name}'}),
            "mislead": lambda: self.documents.update({number: {"a": {"number": 7}, **document(number)}}),
            "hide": lambda: self.documents.pop(number, None),
            "finish": lambda: self.touch(self.outcome_of(number, name)),
            "fail": lambda: self.touch(self.outcome_of(number, name).with_suffix(".failed-1-raised-1700000000.json")),
            "litter": lambda: self.touch(self.outcome_of(number, name).with_name("notes.txt")),
            "lose": lambda: self.outcome_of(number, name).unlink(missing_ok=True),
            "group": lambda: self.group(number, name),
            "give up": lambda: self.decide(Verb.ACCEPT, Subject(runs=(run_id(number),))),
            "redo": lambda: self.redo(number, name),
            "veto": lambda: self.decide(Verb.VETO, Subject(name if number % 2 else "", runs=(run_id(number),))),
            "unveto": lambda: self.unveto(number),
            "raise": lambda: self.versions.update({name: "v2" if self.versions[name] == "v1" else "v1"}),
            "forget": lambda: shutil.rmtree(self.paths.cache / "facts", ignore_errors=True),
        }
        actions[what]()
        self.settle()

    def document(self, number: int, name: str, **changes: Any) -> None:
        start = NOW + timedelta(hours=(number - 51000) * (0.01 if name == "kr83m" else 1))
        dates = {"start": {"$date": times.text(start)}, "end": {"$date": times.text(start + timedelta(hours=1))}}
        self.documents[number] = document(number, **{**dates, **changes})

    def outcome_of(self, number: int, name: str) -> Path:
        return self.paths.outcome(Key(name, self.versions[name], run_id(number)))

    def touch(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")

    def group(self, number: int, name: str) -> None:
        members = [one for one in RUNS if one >= number][:2]
        made = Key(name, self.versions[name], group_id(members))
        facts = factory.run(number)._replace(members=tuple(members)).as_dict()
        keep(self.paths, outcome(made, [result(value=1.0)], run=facts))

    def redo(self, number: int, name: str) -> None:
        if digest := digest_of(self.outcome_of(number, name)):
            self.decide(
                Verb.REDO,
                Subject(runs=(run_id(number),), analysis=name, version=self.versions[name], digests=(digest,)),
            )

    def unveto(self, number: int) -> None:
        names = tuple(path.name for path in self.paths.decisions.glob("*-veto-*"))
        if names:
            self.decide(Verb.WITHDRAW, Subject(runs=(run_id(number),), decisions=names))

    def decide(self, what: Verb, subject: Subject) -> None:
        self.paths.work.mkdir(parents=True, exist_ok=True)
        write_decision(self.paths, Decision(what, subject, "me", times.now(), "a reason"))

    def settle(self) -> None:
        """Give what has changed just now an old time of its own."""
        lines = [one if isinstance(one, str) else json.dumps(one) for one in self.documents.values()]
        text = "".join(f"{line}\n" for line in lines)
        file = self.folder / "runs.jsonl"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        for path in (file, *(one for one in self.paths.outcomes.rglob("*") if one.is_dir())):
            if path.stat().st_mtime > self.moment + 1e5:
                self.moment += 10
                os.utime(path, (self.moment, self.moment))

    def check(self) -> None:
        """Look at everything, at what is kept, and once more."""
        config, rundb = self.config, FileRunDB(self.folder / "runs.jsonl")
        fresh = find_pending(config, rundb)
        assert load_pending(config, rundb, may_write=False) == fresh
        assert load_pending(config, rundb, may_write=True) == fresh
        again = load_pending(config, rundb, may_write=True)
        assert again == find_pending(config, rundb)
        write_groups(self.paths, again.known_groups(config))
        self.settle()


WORDS = ["come", "tag", "calibrate", "go on", "garble", "break", "mislead", "hide", "finish", "fail", "litter", "lose"]
WORDS += ["group", "give up", "redo", "veto", "unveto", "raise", "forget"]
actions = st.tuples(st.sampled_from(WORDS), st.sampled_from(RUNS), st.sampled_from(ANALYSES))


@example([[("group", 52000, "kr83m")], [("come", 52001, "light")]])
@given(st.lists(st.lists(actions, min_size=1, max_size=3), max_size=8))
@effort(max_examples=tries(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_any_order_of_events_what_is_kept_gives_the_same_as_a_look_at_everything(
    history: list[list[tuple[str, int, str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for number in RUNS[:4]:
            world.do("come", number, "light")
        for together in history:
            for action in together:
                world.do(*action)
            world.check()
