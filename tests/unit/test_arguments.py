"""What a person may type: every command with its words, and what is refused with which sentence."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import interface
from support.factory import KEY, outcome, result, settings, typed
from xomflow.cli import arguments, checked, command_line, tried
from xomflow.cli.commands import messages
from xomflow.cli.completion import Words, bash_script, words_of, zsh_script
from xomflow.cli.conventions import Plan, add_conventions, carry_out, nothing
from xomflow.cli.site import VARIABLE, find_site
from xomflow.cli.table import table
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.workflow.requests.analysing.check_site import Checked
from xomflow.workflow.requests.analysing.try_runs import Tried
from xomlib.attempt import Attempt

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_commands_have_the_words_and_options_that_are_kept() -> None:
    assert interface.interface() == interface.KEPT.read_text(encoding="utf-8")


def refusal(function: Callable[[str], object], text: str) -> str:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        function(text)
    return str(caught.value)


def test_words_of_a_wrong_form_are_refused() -> None:
    assert (arguments.reason("  a valve "), refusal(arguments.reason, "  ")) == ("a valve", "a reason is needed")
    assert arguments.analysis_name("a_9") == "a_9"
    for text in ("A", "9a", "a-b", "", "ä"):
        assert refusal(arguments.analysis_name, text) == f"{text!r} cannot be the name of an analysis"
    assert [arguments.run_number(text) for text in ("52894", "052801-0bea", "0")] == [52894, 52801, 0]
    assert arguments.failure_class("timeout") == "timeout"
    assert refusal(arguments.failure_class, "timeuot") == (
        "'timeuot' is no class of a failure; did you mean 'timeout'?"
    )
    for text in ("", "x", "-5", "5.0", "٣", "52801-52899", "52801-", "052801-x", "@kr83m/052801-0bea"):
        assert refusal(arguments.run_number, text) == f"{text!r} is neither a run number nor the id of a campaign"
    assert [arguments.run_or_campaign(text) for text in ("5", "052894", "052801-0bea")] == [
        *("000005", "052894", "052801-0bea"),
    ]
    assert arguments.positive("1") == 1
    for text in ("0", "-1", "x", "", "٣"):
        assert refusal(arguments.positive, text) == f"{text!r} is not a number above 0"
    assert arguments.past_moment("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert "soon" in refusal(arguments.past_moment, "soon")
    assert "soon" in refusal(messages._length, "soon")


def test_a_command_that_is_none_is_named_with_the_nearest_one() -> None:
    lists = " (xom --help lists them)"
    for words, sentence in {
        ("retyr", "kr83m"): f"xom has no command 'retyr'; did you mean 'retry'?{lists}",
        ("qqq",): f"xom has no command 'qqq'{lists}",
        ("--site", "/x", "status"): "--site stands before the command: write xom COMMAND first, and options after it",
    }.items():
        with pytest.raises(UsageError, match=re.escape(sentence)):
            command_line.main(list(words))


def test_a_decision_ends_later_than_now() -> None:
    def ends(text: str | None) -> datetime | None:
        return arguments.until(argparse.Namespace(until=text), NOW)

    assert (ends(None), arguments.until(argparse.Namespace(), NOW)) == (None, None)
    assert (ends("3 d"), ends("2026-11-28T12:01")) == (NOW + timedelta(days=3), NOW + timedelta(minutes=1))
    for text in ("2026-11-28T12:00", "2026-11-20"):
        with pytest.raises(UsageError, match=f"^--until: '{text}' is past$"):
            ends(text)
    with pytest.raises(UsageError, match=r"^--until: .*soon"):
        ends("soon")


def test_names_of_analyses_may_follow_runs_where_a_command_takes_them() -> None:
    def given(analyses: bool, *words: str) -> tuple[list[str], list[str]]:
        options = argparse.Namespace(runs=list(words), mode=[], tag=[], since=None, with_analyses=analyses)
        return [word.text for word in arguments.wanted_runs(options).words], arguments.named_analyses(options)

    names = ["kr83m", "s2_width"]
    assert given(True, "52001", *names, "@a/052801-0bea") == (["52001", "@a/052801-0bea"], names)
    for analyses, word in ((False, "kr83m"), (True, "ärger")):
        with pytest.raises(UsageError, match=f"RUNS '{word}' is neither a run"):
            given(analyses, word)


# --- the site ---------------------------------------------------------------------------------------------------------
def test_a_site_is_given_set_or_above_where_a_command_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, below = Path("config.yaml"), tmp_path / "site/below/there"
    below.mkdir(parents=True)
    (tmp_path / "site/config.yaml").touch()
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        find_site(None, name)
    assert str(caught.value) == (
        f"no site: neither {tmp_path} nor a folder above it has config.yaml; give --site DIR or set $XOM_SITE"
    )
    assert find_site(tmp_path / "site", name) == tmp_path / "site"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "site"))
    assert find_site(None, name) == tmp_path / "site"
    monkeypatch.setenv(VARIABLE, str(below))
    for given, source in ((None, "$XOM_SITE"), (below, "--site")):
        with pytest.raises(ConfigurationError) as caught:
            find_site(given, name)
        assert str(caught.value) == f"{source}: {below} is not the folder of a site, it has no config.yaml"
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.chdir(below)
    assert find_site(None, name) == tmp_path / "site"


# --- tables, plans and completion -------------------------------------------------------------------------------------
def test_columns_are_narrowed_to_the_width_of_the_terminal_but_not_below_a_word() -> None:
    rows = [["a" * 30, "b " * 10, "c"]]
    assert [max(map(len, table(("x", "y", "z"), rows, width))) for width in (200, 55, 54, 40)] == [55, 55, 54, 39]
    assert len(list(table(("x", "y", "z"), rows, 55))) == 2
    narrow = list(table(("x", "y", "z"), rows, 5))  # narrower than what can be read
    assert narrow[:2] == ["x       y       z", "aaaaaa  b b b   c"]


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_conventions(parser)
    return parser.parse_args(words)


def test_what_is_about_no_key_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(nothing("is known", "no such job"), options())
    assert capsys.readouterr().out == "no such job is known\n"
    carry_out(nothing("is known", "no such job"), options("--json"))
    assert json.loads(capsys.readouterr().out)["what"] == "no such job is known"
    assert Plan("to be tried", [KEY], lambda: ()).sentence == "1 key to be tried: kr83m v1 run 052894"
    assert Plan("to be tried", [], lambda: ()).sentence == "0 keys to be tried"


def test_many_keys_are_refused_for_programs_too_unless_nothing_changes_about_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[int] = []
    many = [KEY] * 101
    plan = Plan("to be tried", many, lambda: map(str, [done.append(1)] * 0))
    with pytest.raises(UsageError, match=r"^101 keys are more than 100"):
        carry_out(plan, options("--json"))
    carry_out(Plan("to wait", many, lambda: [str(done.append(1))], may_be_many=True), options())
    carry_out(Plan("to wait", many[1:], lambda: [str(done.append(1))]), options())
    assert len(done) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "None"


WORDS = {
    "log": Words("Print.", {"--n": "number", "-f": "", "--of": "which"}, {"--n": (), "--of": ("a", "b")}, (), True),
    "shell": Words("Help it.", {"--x": "it's"}, {}, ("bash", "zsh")),
}


def test_the_completion_of_two_commands_in_bash() -> None:
    assert bash_script(WORDS).splitlines()[4:17] == [
        "    if (( COMP_CWORD == 1 )); then",
        "        words='log shell'",
        "    else",
        '        case "$before" in',
        "            'log --n') words='' ;;",
        "            'log --of') words='a b' ;;",
        '            *) case "${COMP_WORDS[1]}" in',
        "                log) words='--n -f --of'\" $(xom completion analyses 2>/dev/null)\" ;;",
        "                shell) words='bash zsh --x' ;;",
        "            esac ;;",
        "        esac",
        "    fi",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
    ]


def test_the_completion_of_two_commands_in_zsh() -> None:
    names = "${(f)\"$(xom completion analyses 2>/dev/null | tr ' ' '\\n')\"}"
    assert zsh_script(WORDS).splitlines()[4:17] == [
        "    if (( CURRENT == 2 )); then",
        "        found=(log:Print. 'shell:Help it.')",
        "        _describe command found",
        "        return",
        "    fi",
        '    case "${words[2]} ${words[CURRENT-1]}" in',
        "        'log --n') _files; return ;;",
        "        'log --of') compadd -- a b; return ;;",
        "    esac",
        '    case "${words[2]}" in',
        f"        log) found=(--n:number -f --of:which {names}) ;;",
        "        shell) found=(bash zsh '--x:it'\"'\"'s') ;;",
        "    esac",
    ]


def test_completion_knows_what_may_follow_each_option() -> None:
    parser = argparse.ArgumentParser()
    parsers = parser.add_subparsers()
    parsers.add_parser("shell", description="Help.").add_argument("which", choices=("bash", "zsh"))
    one = parsers.add_parser("log", description="Print.")
    one.add_argument("analysis")
    one.add_argument("--of", choices=("a", "b"), help="which; default: a")
    one.add_argument("--json", action="store_true", help="print JSON")
    one.add_argument("--hidden", help=argparse.SUPPRESS)
    shown = {"-h": "show this help message and exit", "--help": "show this help message and exit"}
    assert words_of(parser) == {
        "shell": Words("Help.", shown, {}, ("bash", "zsh")),
        "log": Words("Print.", {**shown, "--of": "which", "--json": "print JSON"}, {"--of": ("a", "b")}, (), True),
    }


# --- attempts outside a tick ------------------------------------------------------------------------------------------
def attempt(**changes: Any) -> Attempt:
    document = outcome(results=changes.pop("results", [result()]), figures=["a.png", "b.png"])
    given: dict[str, Any] = {"document": document, "failure": None, "place": "/t", "wall_s": 12.34, "cpu_s": 6.0}
    return Attempt(**{**given, "peak_memory_mb": 400.4, **changes})


def test_results_stand_beside_the_published_ones() -> None:
    results = [
        result("same", 10.5),
        result("more", 10.5),
        result("error", 10.5, error=None),
        result("new", 1234567.0, error=None, n=None),
        result("none", None, error=None, insufficient="3 events"),
    ]
    before = [
        result("same", 10.5),
        result("more", 10.0, error=None),
        result("error", 10.5),
        result("none", 1.0),
        result("gone", 1.0),
    ]
    one = Tried(KEY, attempt(results=results), typed(outcome(results=before)))
    assert list(tried.rows_of([one])) == [
        ("052894", "same", "10.5", "0.1", "PE/keV", 512, "10.5 ± 0.1", "none"),
        ("052894", "more", "10.5", "0.1", "PE/keV", 512, "10", "+0.5"),
        ("052894", "error", "10.5", "", "PE/keV", 512, "10.5 ± 0.1", "+0"),
        ("052894", "new", "1.23457e+06", "", "PE/keV", None, "", ""),
        ("052894", "none", "none: 3 events", "", "PE/keV", 512, "1 ± 0.1", ""),
    ]
    old = typed(outcome(results=[result(value=None, error=None, insufficient="no events")]))
    ((*_, shown, change),) = tried.rows_of([Tried(KEY, attempt(), old)])
    assert (shown, change) == ("none: no events", "")
    ((*_, shown, change),) = tried.rows_of([Tried(KEY, attempt(), None)])
    assert (shown, change) == ("", "")
    assert list(tried.rows_of([Tried(KEY, attempt(document=None), old)])) == []


def test_an_attempt_has_lines_about_time_memory_failure_and_figures() -> None:
    block = settings().analyses["kr83m"]
    name = "kr83m v1 run 052894"
    assert tried.lines_about(Tried(KEY, attempt(), None), block) == [
        f"{name}: 12.3 s of 1800 s, 6.0 s of CPU, 400 MB of 4000 MB",
        f"{name}: results and figures are in /t: /t/figures/a.png, /t/figures/b.png",
    ]
    bare = attempt(document=None, failure=("raised", "it broke"), cpu_s=None, peak_memory_mb=None)
    assert tried.lines_about(Tried(KEY, bare, None), block) == [
        f"{name}: 12.3 s of 1800 s",
        f"{name}: a tick would count this as failed: raised: it broke",
    ]
    assert len(tried.lines_about(Tried(KEY, attempt(place=None), None), block)) == 1
    without = attempt(document=outcome(figures=[]))
    assert tried.lines_about(Tried(KEY, without, None), block)[1:] == [f"{name}: results and figures are in /t"]


def test_a_check_shows_results_with_their_quality_and_columns() -> None:
    good = result("b", None, error=None, insufficient="3 events", data=None)
    poor = result("a", data={"quality": "poor", "quality_reason": "drift", "column": "cs2"})
    one = Checked("kr83m", Tried(KEY, attempt(results=[poor, good]), None))
    assert list(checked.rows_of([one, Checked("other", passed_over="it combines several runs")])) == [
        ("kr83m", "a", "10.5", "0.1", "PE/keV", 512, "poor: drift", "cs2"),
        ("kr83m", "b", "none: 3 events", "", "PE/keV", 512, "", ""),
    ]


def test_a_check_names_software_data_and_what_needs_a_look() -> None:
    versions = {"python": "3.11", "strax": "2.2", "numpy": "1.0"}
    made = [attempt(versions=versions, lineage={"peaks": "abc", "events": "def"}), attempt()]
    every = [
        Checked("a", Tried(KEY, made[0], None)),
        Checked("b", Tried(KEY, made[1], None), failure=("raised", "it broke"), not_taken="its mode"),
        Checked("c", passed_over="it combines several runs"),
    ]
    assert list(checked.lines_about(every)) == [
        "software: strax 2.2, python 3.11",
        "data: events def, peaks abc",
        "b: a tick would not take this run: its mode",
        "b: failed: raised: it broke",
        "c: not tried: it combines several runs",
    ]
    assert list(checked.lines_about([Checked("d")])) == []
