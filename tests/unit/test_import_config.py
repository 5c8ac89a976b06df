"""The configuration of the first XOM becomes one of this XOM, and whatever has no place is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xomflow.cli import main as xom
from xomflow.config.load import load_configuration
from xomflow.config.model import Config
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.workflow.requests.moving.import_config import Imported, import_config
from xomflow.workflow.requests.moving.software_ranges import Container, about_ranges, holes, without_overlaps

# Ranges, names and entries of the public repository (github.com/XENONnT/xom), June 2024.
CONTAINERS = {
    "xenonnt-2024.06.1.simg": (62802, 0),
    "xenonnt-2024.01.1.simg": (57692, 62801),
    "xenonnt-2023.07.1.simg": (53107, 57693),
    "xenonnt-2023.05.2.simg": (52315, 53108),
}
TOOL: dict[str, Any] = {
    "prefix": "prod_",
    "configname": "prod_20240601.json",
    "log_folder": "/xom/logs/",
    "job_folder": "/xom/output/job_files/",
    "result_folder": "/xom/output/result/",
    "singularity_base": "singularity exec --bind /project/ --bind /dali /project2/lgrandi/xenonnt/singularity-images/",
    "computing_timezone": "America/Chicago",
    "ndays_before_removal": 2,
    "jobslimit": 50,
    "job_partition": "broadwl",
    "excluded_run_modes": ["electrode_test", "tpc_pmtap"],
    "container_dict": {name: {"from": first, "to": last} for name, (first, last) in CONTAINERS.items()},
}
BUSY = {
    "analysis_version": "v0.1",
    "variable_name": "busy_time_rate_permill,busy_count_rate_hz",
    "folder": "/home/xom/automated_tracking/",
    "command": "busy_rates.py [run]",
    "runwise": "True",
    "detector": "tpc",
    "run_mode": "tpc_bkg,background_linked ",
    "mem_per_cpu": "8000",
    "min_run": "58548",
    "max_run": "58550",
}
IONIZATION = {
    "analysis_version": "v0.1",
    "variable_name": "area",
    "folder": "/home/xom/photo_ionization/",
    "command": "photo_ionization.py [run] ",
    "exclude_tags": "messy,bad, ramp down",
    "include_tags": "_sr1_preliminary",
    "available_type": "event_basics, peak_basics",
    "container": "xenonnt-development.simg",
    "runwise": "True",
    "min_run": "58548",
}
COMMAND = ["[run]", "[result_folder]", "--prefix", "[prefix]"]


def imported(
    folder: Path, tool: dict[str, Any], blocks: dict[str, dict[str, Any]], is_json: bool = False
) -> tuple[Imported, Config]:
    """Import both files; return what was made, and the configuration as XOM reads it."""
    (folder / "tool_config.json").write_text(json.dumps(tool))
    analyses = folder / ("analyses.json" if is_json else "analyses.cfg")
    if is_json:
        analyses.write_text(json.dumps([{"analysis_name": name, **block} for name, block in blocks.items()]))
    else:
        lines = (
            f"[{name}]\n" + "".join(f"{key} ={value}\n" for key, value in block.items())
            for name, block in blocks.items()
        )
        analyses.write_text("# [commented_out]\n# command = x.py [run]\n" + "\n".join(lines))
    made = import_config(folder / "tool_config.json", analyses)
    made.write(folder / "site")
    return made, load_configuration(folder / "site/config.yaml", check_files=False)


def test_the_public_configuration_imports(tmp_path: Path) -> None:
    made, config = imported(tmp_path, TOOL, {"busy_rate": BUSY, "photo_ionization": IONIZATION})
    assert (config.max_running, config.stale_after, config.slurm.partition, config.slurm.qos) == (
        50,
        2 * 86_400,
        "broadwl",
        "broadwl",
    )
    assert config.selection.excluded_modes == ["electrode_test", "tpc_pmtap"]
    assert (config.store.kind, config.store.prefix, config.store.mirror) == ("influxdb", "test_", "xomdata")
    busy, ionization = config.analyses["busy_rate"], config.analyses["photo_ionization"]
    assert (busy.version, busy.compat, busy.arguments) == ("v0.1", True, COMMAND)
    assert busy.script == "/home/xom/automated_tracking/busy_rates.py"
    assert list(busy.variables) == ["busy_time_rate_permill", "busy_count_rate_hz"]
    assert (busy.run_modes, busy.detectors, busy.memory_mb) == (["tpc_bkg", "background_linked"], ["tpc"], 8000)
    assert (busy.min_run, busy.max_run) == (58548, 58550)
    assert ionization.excluded_tags == ["messy", "bad", "ramp down"] and ionization.needs == [
        "event_basics",
        "peak_basics",
    ]
    assert ionization.included_tags == ["sr1_preliminary"]
    assert set(made.files) == {
        Path("config.yaml"),
        Path("rules/analyses/busy_rate.smk"),
        Path("rules/analyses/photo_ionization.smk"),
    }


@pytest.mark.parametrize("number", [52315, 53106, 53107, 53108, 57691, 57692, 57693, 62801, 62802, 70000])
def test_each_run_keeps_its_container(tmp_path: Path, number: int) -> None:
    _, config = imported(tmp_path, TOOL, {"busy_rate": BUSY})
    before = next(name for name, (first, last) in CONTAINERS.items() if first <= number <= (last or 999_999))
    software = config.software_of(number)
    assert software is not None
    assert (software.image, software.launcher, software.binds) == (
        Path("/project2/lgrandi/xenonnt/singularity-images", before),
        "singularity",
        ["/project/", "/dali"],
    )


def test_every_overlap_and_everything_without_a_place_is_named(tmp_path: Path) -> None:
    tool = {**TOOL, "walltime": 5}
    block = {**IONIZATION, "runwise": "False", "priority": "3"}
    made, _ = imported(tmp_path, tool, {"photo_ionization": block})
    begin = [
        "container_dict: xenonnt-2024.01.1.simg (57692-62801) and xenonnt-2023.07.1.simg (53107-57693) overlap in runs "
        "57692-57693: these get xenonnt-2024.01.1.simg, which is the first one there, as before",
        "container_dict: xenonnt-2023.07.1.simg (53107-57693) and xenonnt-2023.05.2.simg (52315-53108) overlap in runs "
        "53107-53108: these get xenonnt-2023.07.1.simg, which is the first one there, as before",
        "selection.min_run is 52315: runs before it have no container",
    ]
    assert made.notes[:3] == begin
    without_place = [note.partition(" has no place")[0] for note in made.notes if "has no place" in note]
    assert without_place == [
        "configname",
        "log_folder",
        "job_folder",
        "result_folder",
        "computing_timezone",
        "walltime = 5",
        "photo_ionization: runwise = False",
        "photo_ionization: container = xenonnt-development.simg",
        "photo_ionization: priority = '3'",
    ]
    told = " ".join(made.notes)
    assert "prefix is 'prod_': store.prefix is 'test_'" in told
    assert "the first XOM looked for the first one only" in told and "time_limit: an analysis has 30 min" in told


def test_a_hole_between_containers_is_named_and_its_runs_wait(tmp_path: Path) -> None:
    holes = {**TOOL, "container_dict": {"b.simg": {"from": 53000, "to": 0}, "a.simg": {"from": 52000, "to": 52500}}}
    made, config = imported(tmp_path, holes, {"busy_rate": BUSY})
    assert "container_dict: runs 52501-52999 have no container: they wait, see software_may_have_holes" in made.notes
    assert config.software_of(52600) is None and config.software_may_have_holes


def test_a_range_within_another_leaves_both_its_ends() -> None:
    inner, outer = Container("inner", 20, 30), Container("outer", 10, 40)
    parts = [Container("outer", 10, 19), inner, Container("outer", 31, 40)]
    assert without_overlaps([inner, outer]) == parts
    assert len(list(about_ranges([inner, outer]))) == 1
    assert without_overlaps([outer, inner]) == [outer]


def test_a_single_run_between_ranges_is_a_hole() -> None:
    containers = [Container("c", 32, 40), Container("a", 10, 20), Container("b", 21, 30)]
    assert holes(containers) == [(31, 31)]
    assert without_overlaps([containers[1], Container("d", 10, 21)])[1] == Container("d", 21, 21)
    assert len(list(about_ranges(containers))) == 1


def test_ranges_that_share_one_run_overlap() -> None:
    first, second = Container("a", 10, 20), Container("b", 20, 30)
    (sentence,) = about_ranges([first, second])
    assert "a (10-20) and b (20-30) overlap in runs 20: these get a," in sentence
    assert list(about_ranges([first, Container("b", 21, 30)])) == []
    (sentence,) = about_ranges([Container("a", 10, 999_999), Container("b", 20, 999_999)])
    assert "a (from 10) and b (from 20) overlap in runs from 20: " in sentence


def test_the_later_form_in_json_gives_the_same(tmp_path: Path) -> None:
    for name in ("cfg", "json"):
        (tmp_path / name).mkdir()
    _, one = imported(tmp_path / "cfg", TOOL, {"busy_rate": BUSY})
    listed = {**BUSY, "variable_name": ["busy_time_rate_permill", "busy_count_rate_hz"], "min_run": 58548}
    _, other = imported(tmp_path / "json", TOOL, {"busy_rate": listed}, is_json=True)
    assert one.analyses == other.analyses


def test_an_earlier_tool_config_has_the_folder_of_the_analyses_and_no_result_folder(tmp_path: Path) -> None:
    tool = {name: value for name, value in TOOL.items() if name != "result_folder"} | {"analysis_folder": "/xom/"}
    block = {**BUSY, "folder": "/busy/", "command": "python busy.py [run] --fast"}
    made, config = imported(tmp_path, tool, {"DQM-Busy": block})
    assert (config.analyses["dqm_busy"].script, config.analyses["dqm_busy"].arguments) == (
        "/xom/busy/busy.py",
        ["[run]", "--fast"],
    )
    assert "DQM-Busy is called dqm_busy here: small letters, digits and underscores" in made.notes


def test_the_whole_configuration_is_written_like_this(tmp_path: Path) -> None:
    containers = {"b.simg": {"from": 53000, "to": 0}, "a.simg": {"from": 52000, "to": 52500}}
    tool = {**TOOL, "container_dict": containers, "singularity_base": "apptainer exec --bind=/a --bind /b /images/"}
    made, _ = imported(tmp_path, tool, {"busy": {**BUSY, "command": "python3.9 busy.py [runs] --fast"}})
    software = [("52000", "52500", "a"), ("53000", "", "b")]
    blocks = "".join(
        f"- min_run: {first}\n{f'  max_run: {last}' + chr(10) if last else ''}  image: /images/{name}.simg\n"
        "  launcher: apptainer\n  binds:\n  - /a\n  - /b\n"
        for first, last, name in software
    )
    assert made.files[Path("config.yaml")] == (
        "# Made from tool_config.json and analyses.cfg by `xom import-config`; "
        "docs/moving.md describes what comes next.\n"
        "work: work\nanalysis_folders:\n- .\nrundb:\n  kind: mongodb\n"
        "context:\n  function: cutax.contexts:xenonnt_online\n  arguments:\n"
        "    _rucio_local_path: /project/lgrandi/rucio\n    include_rucio_local: true\n"
        "  storage:\n  - /project2/lgrandi/xenonnt/processed/\n  - /project/lgrandi/xenonnt/processed/\n"
        f"software:\n{blocks}"
        "selection:\n  min_run: 52000\n  excluded_modes:\n  - electrode_test\n  - tpc_pmtap\n"
        "stale_after: 2 d\nmax_running: 50\nslurm:\n  partition: broadwl\n  qos: broadwl\n"
        "software_may_have_holes: true\n"
        "store:\n  kind: influxdb\n  prefix: test_\n  mirror: xomdata\n"
        "analyses:\n  busy:\n    version: v0.1\n    compat: true\n"
        "    script: /home/xom/automated_tracking/busy.py\n"
        "    arguments:\n    - '[run]'\n    - --fast\n    - '[result_folder]'\n    - --prefix\n    - '[prefix]'\n"
        "    variables:\n      busy_time_rate_permill: {}\n      busy_count_rate_hz: {}\n"
        "    detectors:\n    - tpc\n    run_modes:\n    - tpc_bkg\n    - background_linked\n"
        "    min_run: 58548\n    max_run: 58550\n    memory_mb: 8000\n"
    )
    ours = "XOM keeps its own below work"
    assert made.notes == [
        "container_dict: runs 52501-52999 have no container: they wait, see software_may_have_holes",
        "selection.min_run is 52000: runs before it have no container",
        "prefix is 'prod_': store.prefix is 'test_', so that both can run side by side; "
        "set 'prod_' once the first XOM is off",
        "store.credentials: the file needs an entry bucket, such as xom, beside url, token and org",
        "context: it is that of load_straxen in the public repository; correct it if yours is another",
        "time_limit: an analysis has 30 min, the default; the first XOM gave its jobs the limit of the partition",
        "configname has no place: the analyses were read from the file that was given",
        f"log_folder has no place: {ours}",
        f"job_folder has no place: {ours}",
        "result_folder has no place: scripts get a folder of their own for each run, [result_folder] in arguments",
        "computing_timezone has no place: all times are UTC",
        "busy: [runs] in command has no place: the script gets one run",
    ]


def test_a_configuration_without_optional_entries_has_none(tmp_path: Path) -> None:
    tool = {"container_dict": {"a.simg": {"from": 52000, "to": 0}}, "analysis_folder": "/xom"}
    folders = {"a": "sub", "b": "/sub", "c": "/home/c", "d": "deep/down/there", "e": ""}
    blocks: dict[str, Any] = {name: {"command": "x.py", "folder": folder} for name, folder in folders.items()}
    blocks["a"]["runwise"] = "yes"
    made, config = imported(tmp_path, tool, blocks)
    assert [str(block.script) for block in config.analyses.values()] == [
        *("/xom/sub/x.py", "/xom/sub/x.py", "/home/c/x.py", "/xom/deep/down/there/x.py", "/xom/x.py"),
    ]
    assert (config.analyses["a"].version, config.analyses["a"].arguments) == ("v0.0", [])
    (software,) = config.software
    assert (software.image, software.launcher, software.binds) == (Path("a.simg"), "singularity", [])
    assert [note for note in made.notes if note.startswith(("a:", "b:", "container", "prefix"))] == [
        "a: min_run is missing: it takes all runs of selection",
        "b: min_run is missing: it takes all runs of selection",
    ]
    text = made.files[Path("config.yaml")]
    assert not any(word in text for word in ("stale_after", "max_running", "slurm", "holes", "max_run", "memory_mb"))


def test_the_same_import_may_be_done_again_and_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    made, _ = imported(tmp_path, TOOL, {"busy_rate": BUSY})
    made.write(tmp_path / "site")
    rule = tmp_path / "site/rules/analyses/busy_rate.smk"
    rule.unlink()
    rule.mkdir()
    with pytest.raises(UsageError, match=f"{rule} is there already"):
        made.write(tmp_path / "site")


def test_a_site_begins_with_its_configuration_so_that_is_written_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = imported(tmp_path, TOOL, {"busy_rate": BUSY})
    written: list[Path] = []
    monkeypatch.setattr(
        "xomflow.workflow.requests.moving.import_config.create_atomically", lambda path, _: written.append(path)
    )
    made.write(tmp_path / "other")
    assert written == [tmp_path / "other" / name for name in ("rules/analyses/busy_rate.smk", "config.yaml")]


def test_json_may_have_the_analyses_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "tool.json").write_text(json.dumps(TOOL))
    listed = tmp_path / "a.json"
    for content, names in (({"busy": BUSY, "note": "text"}, ["busy"]), ([{"analysis_name": "b", **BUSY}], ["b"])):
        listed.write_text(json.dumps(content))
        made = import_config(tmp_path / "tool.json", listed)
        assert [path.stem for path in made.files if path.suffix == ".smk"] == names
        assert not any("analysis_name" in note for note in made.notes)
    for content in ([BUSY], ["busy"], "busy", 5):
        listed.write_text(json.dumps(content))
        with pytest.raises(ConfigurationError, match="a list of analyses, each with analysis_name, is needed"):
            import_config(tmp_path / "tool.json", listed)
    listed.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"a\.json: is no text"):
        import_config(tmp_path / "tool.json", listed)
    with pytest.raises(ConfigurationError, match=r"no\.json: cannot be read: No such file or directory"):
        import_config(tmp_path / "tool.json", tmp_path / "no.json")


@pytest.mark.parametrize(
    ("tool", "analyses", "sentence"),
    [
        ("{", "[a]\ncommand = a.py", "tool_config.json: is not JSON"),
        ("[]", "[a]\ncommand = a.py", "an object with keys such as container_dict is needed"),
        ("{}", "command = a.py", "is not a file of sections"),
        ("{}", "# [a]", "there is no analysis in it"),
        ("{}", "[a]\nfolder = /x/", "a: command is missing"),
        ("{}", "[a]\ncommand = a.py\nmin_run = soon", "a: min_run is 'soon', a whole number is needed"),
        ("{}", "[a]\ncommand = a.py\n[A]\ncommand = b.py", "a and A would both be called a"),
        ("{}", "[a]\ncommand = a.py [run]", "software is []"),
    ],
)
def test_what_cannot_be_read_or_used_is_one_sentence(tmp_path: Path, tool: str, analyses: str, sentence: str) -> None:
    (tmp_path / "tool_config.json").write_text(tool)
    (tmp_path / "analyses.cfg").write_text(analyses)
    with pytest.raises(ConfigurationError) as caught:
        import_config(tmp_path / "tool_config.json", tmp_path / "analyses.cfg")
    assert sentence in str(caught.value)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    made, _ = imported(tmp_path, TOOL, {"busy_rate": BUSY})
    own = tmp_path / "site/rules/analyses/busy_rate.smk"
    own.write_text("# corrected by hand\n")
    (tmp_path / "site/config.yaml").unlink()
    with pytest.raises(UsageError, match=f"{own} is there already; give another folder, nothing was written"):
        made.write(tmp_path / "site")
    assert own.read_text() == "# corrected by hand\n" and not (tmp_path / "site/config.yaml").exists()


def test_the_command_prints_notes_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, TOOL, {"busy_rate": BUSY})
    files = [str(tmp_path / name) for name in ("tool_config.json", "analyses.cfg")]
    assert xom(["import-config", *files, "--output", str(tmp_path / "other"), "--dry-run"]) == 0
    assert not (tmp_path / "other").exists()
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "nothing was written" and "work: work" in shown
    assert xom(["import-config", *files, "--output", str(tmp_path / "other")]) == 0
    said = capsys.readouterr().out
    assert "overlap in runs 57692-57693" in said and str(tmp_path / "other/rules/analyses/busy_rate.smk") in said
    assert load_configuration(tmp_path / "other/config.yaml", check_files=False).analyses.keys() == {"busy_rate"}
