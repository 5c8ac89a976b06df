"""Commands that write for a person, or send, are killed at every step: each file is whole, and typed again they end."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from support.in_fork import in_fork
from support.in_process import FastSite, dying_at, kills
from support.mail import address_file, mail_server
from xomflow.core.exit_code import ExitCode
from xomflow.workflow.requests.moving import import_points
from xomflow.workflow.requests.moving.former_points import FormerPoint
from xomlib.attempt import keep

VALUE = "xomlib.Xomresult(variable_name='answer', variable_value=1, unit='PE').save()"


def contents(folder: Path) -> dict[str, bytes]:
    """The files that a reader of a folder sees; those that are being written have hidden names."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def at_influx(site: FastSite) -> FastSite:
    """Publish to a server that does not answer, as dashboards and the import need no answer here."""
    account = site.folder / "account.json"
    account.write_text(json.dumps({"url": "http://127.0.0.1:9", "token": "secret", "org": "xenon", "bucket": "xom"}))
    account.chmod(0o600)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(account), "prefix": "prod_"}
    return site


def test_a_configuration_is_imported_by_the_same_command_after_a_kill(site: FastSite) -> None:
    (site.folder / "tool_config.json").write_text(json.dumps({"container_dict": {"a.simg": {"from": 1, "to": 0}}}))
    block = "analysis_version = v0.1\nvariable_name = rate\nfolder = /xom/\ncommand = x.py [run]\nrunwise = True\n"
    (site.folder / "analyses.cfg").write_text("".join(f"[{name}]\n{block}" for name in ("one", "two")))
    words, new = ("import-config", "tool_config.json", "analyses.cfg", "--output"), site.folder / "new"
    assert site.xom(*words, "whole").returncode == ExitCode.OK
    whole = contents(site.folder / "whole")
    for _ in kills(site, *words, "new"):
        assert contents(new).items() <= whole.items()
        assert "config.yaml" not in contents(new) or contents(new) == whole, "a site begins with its configuration"
    assert contents(new) == whole


def test_results_of_the_first_xom_are_taken_over_by_the_same_command_after_a_kill(
    site: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_influx(site).runs([52001, 52002, 52003])
    site.analysis("good", VALUE)
    points = [FormerPoint("good", "v0.1", "answer", 10**18, {}, {"runid": 52001 + n, "answer": 1.5}) for n in range(3)]
    monkeypatch.setattr(import_points, "former_points", lambda *_: iter(points))
    taken = list[set[int]]()
    for _ in kills(site, "import-points", "prod_xomdata"):
        taken.append(site.done("good", "history.v0.1"))
    assert [len(one) for one in taken] == sorted(len(one) for one in taken), "what was taken over stays"
    assert site.done("good", "history.v0.1") == {52001, 52002, 52003}
    assert "3 outcomes are there already" in site.xom("import-points", "prod_xomdata").stdout


def test_dashboards_are_whole_after_a_kill(site: FastSite) -> None:
    at_influx(site).analysis("good", VALUE)
    assert site.xom("dashboards").returncode == ExitCode.OK
    tree = site.paths.grafana
    whole = contents(tree)
    tree.rename(tree.with_name("before"))
    for _ in kills(site, "dashboards", step=3):
        assert contents(tree).items() <= whole.items()
    assert contents(tree) == whole


@pytest.fixture
def reported(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> FastSite:
    """A site with a browser that prints one byte after the other."""
    program = site.folder / "bin/chromium"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case "$word" in --print-to-pdf=*) file="${word#*=}" ;; esac; done\n'
        f'printf half > "$file"; if [ -e {site.folder}/dies ]; then kill -9 $PPID $$; fi; printf whole > "$file"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return site


WEEK = ("report", "--week", "--until", "2026-01-08", "--output", "reports/week.html")


def test_a_report_is_whole_after_a_kill(reported: FastSite) -> None:
    assert reported.xom(*WEEK).returncode == ExitCode.OK
    folder = reported.folder / "reports"
    whole = contents(folder)
    assert whole.keys() == {"week.html", "week.pdf"}
    for path in folder.iterdir():
        path.unlink()
    for _ in kills(reported, *WEEK):
        assert contents(folder).items() <= whole.items()
    assert contents(folder) == whole


def test_a_report_that_is_killed_with_its_browser_leaves_the_printed_one_of_before(reported: FastSite) -> None:
    assert reported.xom(*WEEK).returncode == ExitCode.OK
    (reported.folder / "dies").touch()
    assert reported.xom(*WEEK).returncode == -signal.SIGKILL
    assert (reported.folder / "reports/week.pdf").read_text() == "whole"
    (reported.folder / "dies").unlink()
    assert reported.xom(*WEEK).returncode == ExitCode.OK
    assert contents(reported.folder / "reports").keys() == {"week.html", "week.pdf"}


def test_test_messages_are_sent_by_the_same_command_after_a_kill_and_ticks_do_not_see_it(site: FastSite) -> None:
    with mail_server() as mails:
        addresses = [mails.url(to) for to in ("shift@example.org", "jane@example.org")]
        site.tree["notify"] = {"addresses": str(address_file(site.folder, addresses=addresses)), "digest_hour": None}
        before = contents(site.folder)
        killed = site.killed_command(2, "notify", "--test", at="socket.connect")
        assert (killed.returncode, len(mails.mails)) == (-signal.SIGKILL, 1)
        again = site.xom("notify", "--test")
        assert again.returncode == ExitCode.OK, again.stdout
        assert [len(mails.texts_to(to)) for to in ("shift@example.org", "jane@example.org")] == [2, 1]
    assert contents(site.folder).items() - before.items() <= {("config.yaml", contents(site.folder)["config.yaml"])}


TRIES = (("try", "good", "52001"), ("site-check", "52001"))


@pytest.mark.parametrize("words", TRIES)
def test_an_attempt_by_hand_that_is_killed_is_made_again(site: FastSite, words: tuple[str, ...]) -> None:
    site.runs([52001])
    site.analysis("good", VALUE)
    site.write_config()
    before = contents(site.folder)
    for _ in kills(site, *words, "--save", "saved"):
        assert contents(site.folder / "saved").keys() <= {"good-052001/results.json"}
    saved = contents(site.folder / "saved")
    assert json.loads(saved.pop("good-052001/results.json"))["results"][0]["value"] == 1
    assert contents(site.folder).items() >= before.items()


def test_the_folder_of_an_attempt_with_results_is_whole_after_a_kill(tmp_path: Path) -> None:
    figures, place = tmp_path / "draft", tmp_path / "saved/good-052001"
    figures.mkdir()
    (figures / "new.png").write_bytes(b"new")
    (place / "figures").mkdir(parents=True)
    (place / "figures/old.png").write_bytes(b"old")
    (place / "results.json").write_text("{}")
    old, new = contents(place), {"figures/new.png", "results.json"}
    number, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        number += 1
        work = partial(keep, {"figures": ["new"]}, figures, place)
        code = in_fork(partial(dying_at, number, work), tmp_path).returncode
        found = contents(place)
        assert "results.json" not in found or found == old or found.keys() == new
    assert (code, contents(place).keys()) == (0, new)
    assert number > 5
