"""Run documents as people and programs leave them: what is meant is done, and what is unclear is told."""

from __future__ import annotations

import json
from typing import Any

from support.in_process import FastSite
from support.site import document
from xomflow.core.exit_code import ExitCode

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
COUNT = "xomlib.Xomresult(variable_name='n', variable_value=len(xomlib.runs())).save()"


def day(number: int, **changes: Any) -> dict[str, Any]:
    """The document of a run of an hour, one a day."""
    hours = [{"$date": f"2026-09-{number % 100:02d}T{hour:02d}:00:00Z"} for hour in (0, 1)]
    return document(number, mode="tpc_kr83m", start=hours[0], end=hours[1], **changes)


def campaigns(site: FastSite) -> list[list[str]]:
    found = sorted((site.work / "outcomes/camp").glob("*/*/??????-????.json"))
    return [json.loads(path.read_text())["run"]["runs"] for path in found]


def test_documents_in_all_forms_are_members_of_one_campaign(site: FastSite) -> None:
    site.analysis("camp", COUNT, run_modes=["tpc_kr83m"], period={"gap": "2 d"})
    documents = [day(number) for number in range(52801, 52807)]
    documents[1]["number"] = 52802.0
    documents[2] |= {"number": {"$numberInt": "52803"}, "start": {"$date": {"$numberLong": "1788393600000"}}}
    documents[3]["source"] = ["Kr-83m"]
    documents[4]["mode"] = " tpc_kr83m\n"
    (site.folder / "runs.jsonl").write_text("\n".join(map(json.dumps, documents)) + "\n")
    done = site.tick()
    assert (done.returncode, campaigns(site)) == (0, [[f"{number:06d}" for number in range(52801, 52807)]])


def test_while_the_file_of_documents_is_written_nothing_changes(site: FastSite) -> None:
    site.analysis("camp", COUNT, run_modes=["tpc_kr83m"], period={"gap": "2 d"})
    site.runs([day(number) for number in range(52801, 52809)])
    site.tick()
    before = {path: path.read_bytes() for kind in ("outcomes", "store") for path in (site.work / kind).rglob("*.*")}
    file = site.folder / "runs.jsonl"
    file.write_bytes(file.read_bytes()[:-400])
    done = site.tick()
    assert done.returncode == 4
    assert f"{file.name} cannot be read: it ends in the middle of line 7" in done.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert campaigns(site) == [[f"{number:06d}" for number in range(52801, 52809)]]


def test_thousands_of_bad_documents_are_one_sentence_and_a_command_lists_them(site: FastSite) -> None:
    site.analysis("one", GOOD)
    site.runs([52999, *(document(number, start="no time") for number in range(49000, 52000))])
    done = site.tick()
    sentence = (
        "run document 49000: start is 'no time', a time is needed "
        "(2999 more documents have the same error, `xom status --documents` lists them)"
    )
    for told in (done.stderr, site.xom("status").stdout):
        assert sentence in told.splitlines()
        assert len(told.splitlines()) < 30
    assert site.done("one") == {52999}
    listed = site.xom("status", "--documents")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 3000)


def test_a_tag_that_nearly_matches_excludes_nothing_and_is_told_once(site: FastSite) -> None:
    site.analysis("one", GOOD)
    site.tree["selection"] = {"excluded_tags": ["bad"]}
    tags = {52001: "bad ", 52002: "_bad\n", 52003: "Bad", 52004: "BAD", 52005: "Bad"}
    site.runs([document(number, tags=[{"name": tag}]) for number, tag in tags.items()])
    told = [site.tick().stderr, site.xom("status").stdout]
    assert site.done("one") == {52003, 52004, 52005}
    for text in told:
        assert [line.split(" excludes nothing")[0] for line in text.splitlines() if " excludes nothing" in line] == [
            "the tag 'BAD' (1 run, the newest 052004)",
            "the tag 'Bad' (2 runs, the newest 052005)",
        ]


def test_control_characters_of_run_documents_and_scripts_never_reach_the_terminal(site: FastSite) -> None:
    steering = "\x1b]0;owned\x07\x1b[2J\x9b1m\u202e"
    site.analysis("one", f"raise ValueError({steering!r} + 'why')", run_modes=["tpc_bkg"])
    site.tree["selection"] = {"excluded_tags": [f"bad{steering}"]}
    site.runs([document(52001, mode=f"tpc{steering}"), document(52002), document(52004, tags=[f"Bad{steering}"])])
    site.runs([document(52003, tags=[{"name": f"bad{steering}"}]), document(52005, mode=[steering])])
    told = [site.tick(), site.xom("status"), site.xom("status", "--documents")]
    told += [site.xom("why", str(number)) for number in range(52001, 52006)]
    for done in told:
        text = done.stdout + done.stderr
        assert text.isascii(), text
        assert all(letter.isprintable() or letter == "\n" for letter in text), text
    assert all(r"\x1b]0;owned" in done.stdout + done.stderr for done in told)


def shown(site: FastSite, numbers: list[int]) -> None:
    """Let the run database show only these runs."""
    lines = [json.dumps(site.documents[number]) for number in numbers]
    (site.folder / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines))


def counts(done: Any) -> list[str]:
    """The table of states that a tick or a command printed."""
    return [
        line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("analysis ", "one ", "camp "))
    ]


def test_nothing_changes_about_runs_that_the_run_database_does_not_show_now(site: FastSite) -> None:
    broken = "if run_id == '052803':\n    raise ValueError('broken')\n"
    site.analysis("one", broken + GOOD)
    site.analysis("camp", COUNT, period={"gap": "2 d"})
    site.runs([day(number) for number in range(52801, 52806)])
    site.tick()
    before = counts(site.xom("status"))
    store = {path: path.read_bytes() for path in (site.work / "store").glob("test/[!x]*/**/*.lp")}
    assert len(store) == 2
    shown(site, [52801, 52805])
    sentence = "lacks runs that it had before (3, such as 052804): nothing about them changes until they come back"
    for told in (site.tick(), site.tick(), site.xom("status")):
        assert told.returncode in (0, 7)
        assert (told.stdout + told.stderr).count(sentence) == 1
        assert counts(told) == before
    assert {path: path.read_bytes() for path in store} == store
    assert campaigns(site) == [[f"{number:06d}" for number in range(52801, 52806)]]
    note = "run 052804: the run database had its document before and does not show it now; nothing about it changes"
    assert site.xom("why", "52804").stdout.splitlines()[0] == note
    shown(site, list(range(52801, 52806)))
    assert sentence not in site.tick().stderr


def test_a_run_that_the_run_database_does_not_show_now_is_not_analysed_meanwhile(site: FastSite) -> None:
    site.analysis("one", GOOD)
    site.runs([day(number) for number in range(52801, 52804)])
    site.tick()
    site.analysis("new", GOOD)
    site.analysis("camp", COUNT, period={"gap": "2 d"})
    shown(site, [52801, 52803])
    site.tick()
    assert (site.done("new"), campaigns(site)) == ({52801, 52803}, [])
    told = site.xom("why", "52802").stdout
    assert "new v1 run 052802: stale: the run database had its document before and does not show it now" in told
    assert "the run database does not show the documents of these runs now: 052802" in told
    site.runs([])
    site.tick()
    assert (site.done("new"), campaigns(site)) == ({52801, 52802, 52803}, [["052801", "052802", "052803"]])


def test_an_empty_answer_changes_nothing(site: FastSite) -> None:
    site.analysis("camp", COUNT, period={"gap": "2 d"})
    site.runs([day(number) for number in range(52801, 52809)])
    site.tick()
    shown(site, [])
    told = site.tick()
    assert told.stderr.count("lacks runs that it had before (8, such as 052808)") == 1
    assert told.returncode == ExitCode.WAITS_FOR_PERSON  # no monitoring is done, which nobody would see for days
    assert site.xom("status").returncode == ExitCode.WAITS_FOR_PERSON
    assert campaigns(site) == [[f"{number:06d}" for number in range(52801, 52809)]]


def test_runs_that_are_gone_for_good_can_be_given_up(site: FastSite) -> None:
    site.analysis("one", GOOD)
    site.analysis("camp", COUNT, period={"gap": "2 d"})
    site.runs([day(number) for number in range(52801, 52805)])
    site.tick()
    shown(site, [52801, 52802, 52803])
    site.tick()
    words = "1 runs are gone from the run database, such as 052804"
    told = [f"to accept: {words}", "1 key to be given up: run 052804"]
    dry = site.xom("accept", "--why", "deleted", "--dry-run").stdout.splitlines()
    assert dry == [*told, "nothing was done"]
    assert site.xom("accept", "--why", "deleted").stdout.splitlines()[:2] == told
    done = site.tick()
    assert "lacks runs that it had before" not in done.stderr
    gone, superseded = site.xom("why", "52804").stdout.splitlines()
    assert gone == "the run database has no run 52804"
    assert superseded.endswith("of 4 runs: superseded: the analysis no longer takes run 052804")
    assert campaigns(site) == [["052801", "052802", "052803"]]
    (point,) = "".join(path.read_text() for path in site.paths.store.rglob("camp/**/*.lp")).splitlines()
    assert ",value=3.0" in point
    assert site.xom("accept", "--why", "again").stdout == "no tick waits: nothing is to be accepted\n"
    site.runs([])
    assert site.tick().returncode == 0
    assert "not selected" not in site.xom("why", "52804").stdout
    shown(site, [52801, 52802, 52803])
    assert "lacks runs that it had before (1, such as 052804)" in site.tick().stderr
    assert campaigns(site) == [["052801", "052802", "052803", "052804"]]


def test_runs_that_are_given_up_are_gone_and_groups_go_on_without_them(site: FastSite) -> None:
    """Five groups of two runs lose one each: a decision is no mass change."""
    site.analysis("one", GOOD)
    site.analysis("camp", COUNT, period={"gap": "2 d"})
    groups = [[first, first + 1] for first in range(52801, 52826, 5)]
    site.runs([day(number) for group in groups for number in group])
    site.tick()
    assert len(campaigns(site)) == 5
    shown(site, [group[0] for group in groups])
    assert "(5, such as 052822)" in site.tick().stderr
    assert site.xom("accept", "--why", "deleted by the DAQ").returncode == 0
    for _ in range(2):
        done = site.tick()
        assert (done.returncode, "lacks runs" in done.stderr) == (0, False), done.stderr
    assert campaigns(site) == [[f"{group[0]:06d}"] for group in groups]
    assert len(site.done("one")) == 10  # their own results stay
    site.runs([])
    site.tick()
    assert len(campaigns(site)) == 5 and all(len(runs) == 2 for runs in campaigns(site))
