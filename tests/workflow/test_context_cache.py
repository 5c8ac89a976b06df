"""What a context says is asked once, kept, and asked anew when anything it came from has changed.

The contexts here need no strax, so a process that asks them takes no time; `test_availability` asks real ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import mini as mini_set
from support.site import Site
from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import ContextError
from xomflow.core.paths import Paths
from xomflow.storage import context_probe
from xomflow.storage.context_probe import ContextDescription, ContextProbe

MODULE = '''
import logging

from plain_context.lineage import HASHES

print("what a library prints")

class PlainContext:
    """What the probe asks of a strax context, and no more."""

    storage = _sorted_storage = ()
    _plugin_class_registry = HASHES

    def set_context_config(self, options):
        pass

    def key_for(self, run, name):
        if name == "broken":
            raise KeyError("no option")
        return type("Key", (), {"lineage_hash": HASHES[name] + run * (name == "run_dependent")})

def context(error=""):
    if error:
        raise RuntimeError(f"first line\\n{error}")
    return PlainContext()

def open_end(known=1, **options):
    for name in options:
        logging.getLogger("PlainContext").warning(f"Unknown config option {name}; will do nothing.")
    return PlainContext()

def needs(folder):
    return PlainContext()

def deep(known=1):
    return len(known)
'''
TWO_HASHES = """
class TwoHashes(PlainContext):
    def __init__(self, version):
        self.version = version

    def key_for(self, run, name):
        return type("Key", (), {"lineage_hash": f"version{self.version}"})

def versioned(version=1):
    return TwoHashes(version)
"""
LINEAGE = 'HASHES = {"peaks": "aaaaaaaaaa", "events": "bbbbbbbbbb", "run_dependent": "cccccccccc", "broken": ""}\n'


class Place:
    """An interpreter, a context and a folder for what is kept."""

    patch: pytest.MonkeyPatch

    def __init__(self, folder: Path) -> None:
        self.packages = folder / "packages"
        self.paths = Paths(folder / "work")
        module = self.packages / "plain_context" / "__init__.py"
        module.parent.mkdir(parents=True)
        module.write_text(MODULE + TWO_HASHES)
        module.with_name("lineage.py").write_text(LINEAGE)
        (self.packages / "broken_context.py").write_text("1 / 0\n")
        self.interpreter = self.first_interpreter = mini_set.wrapper(folder / "python", sys.executable, self.packages)
        self.context = Context(function="plain_context:context")
        self.types = ["events", "peaks"]

    def probe(self, may_write: bool = True) -> ContextProbe:
        """As a new process has it: nothing in its memory."""
        return ContextProbe(self.paths, may_write)

    def ask(self, probe: ContextProbe | None = None) -> ContextDescription:
        return (probe or self.probe()).describe(Program(self.interpreter), self.context, self.types)

    def starts(self) -> list[str]:
        """What was started under the interpreter, or a copy of it."""
        return mini_set.starts(self.first_interpreter)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_answer_is_that_of_the_context(place: Place) -> None:
    facts = place.ask()
    assert facts.hashes == {"events": "bbbbbbbbbb", "peaks": "aaaaaaaaaa"}
    assert facts.storage == ()
    assert facts.versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_one_process_asks_once(place: Place) -> None:
    probe = place.probe()
    assert [place.ask(probe).hashes for _ in range(3)] == [place.ask(probe).hashes] * 3
    assert probe.asked == len(place.starts()) == 1
    assert place.starts()[0].startswith("-m xomlib.probe ")


def test_the_next_process_does_not_ask(place: Place) -> None:
    first, second = place.probe(), place.probe()
    assert place.ask(first) == place.ask(second)
    assert (first.asked, second.asked, len(place.starts())) == (1, 0, 1)


def test_the_order_of_types_does_not_matter(place: Place) -> None:
    place.ask()
    place.types.reverse()
    place.ask()
    assert len(place.starts()) == 1


def test_where_nothing_may_be_written_nothing_is(place: Place) -> None:
    place.ask(place.probe(may_write=False))
    assert not place.paths.work.exists()
    place.ask(place.probe(may_write=False))
    assert len(place.starts()) == 2


def test_what_was_kept_is_read_where_nothing_may_be_written(place: Place) -> None:
    place.ask()
    place.ask(place.probe(may_write=False))
    assert len(place.starts()) == 1


def touch(path: Path) -> None:
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))


def other_interpreter(place: Place) -> None:
    renamed = place.interpreter.with_name("other_python")
    renamed.write_text(place.interpreter.read_text())
    renamed.chmod(0o755)
    place.interpreter = renamed


def other_context(place: Place) -> None:
    place.context = Context(function="plain_context:context", arguments={"error": ""})


def kept(place: Place) -> Path:
    (path,) = place.paths.cache.glob("context-*.json")
    return path


CHANGES: dict[str, Callable[[Place], object]] = {
    "other interpreter": other_interpreter,
    "interpreter renewed": lambda place: touch(place.interpreter),
    "other arguments": other_context,
    "other host": lambda place: place.patch.setattr(context_probe, "_HOST", "another"),
    "other types": lambda place: place.types.remove("peaks"),
    "module of the context changed": lambda place: touch(place.packages / "plain_context/__init__.py"),
    "module further down changed": lambda place: touch(place.packages / "plain_context/lineage.py"),
    "kept answer cut": lambda place: kept(place).write_text(kept(place).read_text()[:50]),
    "kept answer of no use": lambda place: kept(place).write_text("[]"),
    "kept answer deleted": lambda place: kept(place).unlink(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_asked_anew_when_something_has_changed(place: Place, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place.patch = monkeypatch
    place.ask()
    CHANGES[name](place)
    place.ask()
    assert len(place.starts()) == 2
    place.ask()
    assert len(place.starts()) == 2, "the new answer is kept as well"


def test_what_has_changed_is_seen(place: Place) -> None:
    place.ask()
    lineage = place.packages / "plain_context/lineage.py"
    lineage.write_text(LINEAGE.replace("bbbbbbbbbb", "dddddddddd"))
    assert place.ask().hashes["events"] == "dddddddddd"


@pytest.mark.parametrize(
    ("function", "arguments", "types", "words"),
    [
        ("plain_context:context", {}, ["events", "evnets"], "it has no data type evnets; did you mean events?"),
        ("plain_context:context", {"error": "no database"}, ["events"], "no database"),
        (
            "plain_context:context",
            {"eror": 1},
            ["events"],
            "context.arguments.eror: plain_context:context takes no such argument; did you mean error?",
        ),
        (
            "plain_context:open_end",
            {"known": 2, "out_folder": 1},
            ["events"],
            "context.arguments.out_folder: plain_context:open_end takes no such argument",
        ),
        (
            "plain_context:needs",
            {},
            ["events"],
            "context.arguments do not fit plain_context:needs: missing a required argument: 'folder'",
        ),
        (
            "plain_context:deep",
            {},
            ["events"],
            "context.arguments do not fit plain_context:deep: object of type 'int' has no len()",
        ),
        (
            "plain_context:contxt",
            {},
            ["events"],
            "context.function is 'plain_context:contxt', but module plain_context has no function 'contxt'",
        ),
        (
            "plain_contxt:context",
            {},
            ["events"],
            "context.function is 'plain_contxt:context', but No module named 'plain_contxt'",
        ),
        (
            "broken_context:context",
            {},
            ["events"],
            "context.function is 'broken_context:context', but importing broken_context raises ZeroDivisionError: ",
        ),
        ("plain_context:context", {}, ["run_dependent"], "the lineage of run_dependent differs from run to run"),
    ],
)
def test_a_context_that_cannot_be_asked_is_one_sentence(
    place: Place, function: str, arguments: dict[str, object], types: list[str], words: str
) -> None:
    place.context, place.types = Context(function=function, arguments=arguments), types
    with pytest.raises(ContextError) as caught:
        place.ask()
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{function} under {place.interpreter}")
    assert "\n" not in str(caught.value)


def test_one_process_answers_for_the_types_of_all_analyses(place: Place) -> None:
    probe = ContextProbe(place.paths, True, ["peaks", "events", "evnets", "run_dependent"])
    for types in (["peaks"], ["events"], ["events", "peaks"]):
        place.types = types
        assert list(place.ask(probe).hashes) == types
    assert len(place.starts()) == 1


def test_a_type_without_a_lineage_is_the_trouble_of_those_who_ask_for_it(place: Place) -> None:
    probe = ContextProbe(place.paths, True, ["events", "evnets"])
    place.types = ["events"]
    assert place.ask(probe).hashes == {"events": "bbbbbbbbbb"}
    place.types = ["evnets"]
    for one in (probe, ContextProbe(place.paths, True, ["events", "evnets"])):
        with pytest.raises(ContextError, match="it has no data type evnets"):
            place.ask(one)
    assert len(place.starts()) == 1, "what is wrong is kept as well"


def test_a_plugin_that_raises_costs_no_other_type_and_is_tried_again(place: Place) -> None:
    for starts in (1, 2):
        probe = ContextProbe(place.paths, True, ["events", "broken"])
        place.types = ["events"]
        assert place.ask(probe).hashes == {"events": "bbbbbbbbbb"}
        place.types = ["broken"]
        with pytest.raises(ContextError, match="the lineage of broken cannot be computed: KeyError: 'no option'"):
            place.ask(probe)
        assert len(place.starts()) == starts


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\nexit 3\n", "it ended with exit status 3 and no message"),
        (
            "#!/bin/sh\necho nonsense\n",
            "a Python interpreter with xomlib is needed, and this one printed 'nonsense",
        ),
        ("#!/nowhere/python\n", "it cannot be started: No such file or directory"),
        ("#!/bin/sh\nexec sleep 600\n", "no answer within 0 s"),
    ],
)
def test_an_interpreter_that_does_not_work_is_one_sentence(
    place: Place, script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.interpreter.write_text(script)
    if "sleep" in script:
        monkeypatch.setattr(context_probe, "_ANSWER_SECONDS", 0.2)
    with pytest.raises(ContextError) as caught:
        place.ask()
    assert words in str(caught.value)


def test_a_tick_with_nothing_new_starts_no_interpreter(site: Site, tmp_path: Path) -> None:
    """Only under the configured interpreter are there strax and straxen, so neither is imported."""
    place = Place(tmp_path / "place")
    site.runs([52001, 52002])
    site.tree["context"] = place.context.model_dump()
    site.tree["software"] = [{"interpreter": str(place.interpreter)}]
    site.analysis("waits", "pass", needs=["events"])
    assert site.tick().returncode == 0
    assert len(place.starts()) == 1
    (run_list,) = site.ticks()
    assert run_list.run_list("waits").read_text().count("events is not at this site") == 2
    assert site.tick().returncode == 0
    assert site.pending() == set()
    assert len(place.starts()) == 1


def test_an_analysis_gets_the_context_of_the_software_of_its_run(site: Site, tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    site.runs([52001, 52002])
    contexts_of = {"min_run": 0, "max_run": 52001}, {"min_run": 52002, "context": versioned(2)}
    site.tree["context"] = versioned(1)
    site.tree["software"] = [{"interpreter": str(place.interpreter), **one} for one in contexts_of]
    body = "xomlib.Xomresult(variable_name='v', variable_value=float(xomlib.context().version)).save()"
    site.analysis("reads", body)
    assert site.tick().returncode == 0, site.ticks()
    values = {number: site.outcome("reads", number)["results"][0]["value"] for number in (52001, 52002)}
    assert values == {52001: 1.0, 52002: 2.0}


def versioned(version: int) -> dict[str, object]:
    return {"function": "plain_context:versioned", "arguments": {"version": version}}
