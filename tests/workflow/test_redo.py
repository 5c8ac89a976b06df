"""An outcome is replaced only by a decision `redo`, which names the digest of the outcome that it replaces."""

from __future__ import annotations

import pytest

from support.in_process import FastSite
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.files import digest_of

KEY = Key("good", "v1", "052001")


def body(value: int) -> str:
    return f"xomlib.Xomresult(variable_name='answer', variable_value={value}).save()"


@pytest.fixture
def finished(site: FastSite) -> FastSite:
    site.runs([52001, 52002])
    site.analysis("good", body(1))
    assert site.tick().returncode == 0
    site.analysis("good", body(2))
    return site


def decide(site: FastSite, digest: str = "", verb: Verb = Verb.REDO, **subject: tuple[str, ...]) -> str:
    digest = digest or digest_of(site.paths.outcome(KEY))
    about = Subject(KEY.analysis, KEY.version, (KEY.run,), (digest,)) if verb is Verb.REDO else Subject(**subject)
    return write_decision(site.paths, Decision(verb, about, "kim", times.now(), "a cable was changed")).name


def value(site: FastSite, number: int = 52001) -> float:
    (result,) = site.outcome("good", number)["results"]
    return result["value"]


def stored(site: FastSite) -> int:
    return sum(",value=2.0" in path.read_text() for path in site.paths.store.rglob("good/**/*.lp"))


def test_a_decision_replaces_the_outcome_that_it_names_once(finished: FastSite) -> None:
    site = finished
    decide(site)
    assert site.pending() == {("good", "052001")}
    assert "ready: its outcome is made again, ordered by kim: a cable was changed" in site.xom("why", "52001").stdout
    for _ in range(2):
        assert site.tick().returncode == 0
        assert (value(site), value(site, 52002), site.outcome("good", 52001)["attempt"]) == (2, 1, 2)
    assert stored(site) == 1
    assert site.pending() == set()


def test_a_decision_about_another_outcome_replaces_nothing(finished: FastSite) -> None:
    decide(finished, digest="0123456789abcdef")
    finished.tick()
    assert (finished.pending(), value(finished)) == (set(), 1)


def test_a_withdrawn_decision_replaces_nothing(finished: FastSite) -> None:
    name = decide(finished)
    decide(finished, verb=Verb.WITHDRAW, decisions=(name,))
    assert finished.pending() == set()


def test_a_failed_attempt_leaves_the_outcome_and_is_tried_again(finished: FastSite) -> None:
    site = finished
    site.analysis("good", "raise ValueError('broken')")
    before = site.paths.outcome(KEY).read_bytes()
    decide(site)
    done = site.tick()
    assert done.returncode == ExitCode.FAILED_RUNS, done.stderr
    assert site.paths.outcome(KEY).read_bytes() == before
    assert [failure["attempt"] for failure in site.failures("good", 52001)] == [2]
    assert "failed: raised: ValueError: broken" in site.xom("why", "52001").stdout
    for record in site.paths.outcome(KEY).parent.glob("*.failed-*"):
        record.unlink()
    site.analysis("good", body(2))
    assert site.tick().returncode == 0
    assert value(site) == 2


def test_failures_before_the_outcome_do_not_count_against_the_new_one(site: FastSite) -> None:
    site.tree["retries"] = {"attempts": 2, "first_wait": "1 s"}
    site.runs([52001])
    site.analysis("good", "raise ValueError('broken')")
    site.tick()
    site.analysis("good", body(1))
    site.tree["retries"]["first_wait"] = "0 s"
    site.tick()
    assert site.outcome("good", 52001)["attempt"] == 2
    decide(site)
    site.analysis("good", "raise ValueError('broken')")
    assert site.tick().returncode == ExitCode.FAILED_RUNS
    assert "ready: attempt 4 is due after: raised" in site.xom("why", "52001").stdout


@pytest.mark.parametrize("order", ["decide decide tick", "decide tick decide", "tick decide decide"])
def test_the_order_of_decisions_and_ticks_changes_nothing(finished: FastSite, order: str) -> None:
    digest = digest_of(finished.paths.outcome(KEY))
    for step in order.split():
        finished.tick() if step == "tick" else decide(finished, digest)
    finished.tick()
    assert (value(finished), finished.outcome("good", 52001)["attempt"], finished.pending()) == (2, 2, set())


def test_the_outcome_of_a_campaign_is_replaced_alike(site: FastSite) -> None:
    site.runs([52001, 52002])
    site.analysis("good", body(1), period={"gap": "2 h"})
    assert site.tick().returncode == 0
    (path,) = site.paths.outcomes.glob("good/v1/052/*.json")
    about = Subject(KEY.analysis, KEY.version, (path.stem,), (digest_of(path),))
    write_decision(site.paths, Decision(Verb.REDO, about, "kim", times.now(), "a cable was changed"))
    site.analysis("good", body(2), period={"gap": "2 h"})
    for _ in range(2):
        assert site.tick().returncode == 0
        assert ('"value": 2' in path.read_text(), '"attempt": 2' in path.read_text()) == (True, True)
    assert stored(site) == 1
