"""What a script may say with `Xomresult` and `figure`, and what is refused."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import any_text, json_values, outcome
from xomlib import BadResult, Xomresult, figure, xom_message
from xomlib import job as job_module
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.documents.schema import check_outcome
from xomlib.job import Session

JOB = JobDescription(JobKey("photo_ionization", "v0.0", "052894"), "photo_ionization.py", ContextSpec("nobody:asks"))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A job that keeps its draft in a folder."""
    monkeypatch.setattr(job_module, "_current", None)
    yield job_module.begin(replace(JOB, draft=str(tmp_path)))


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job outlives its test."""
    monkeypatch.setattr(job_module, "_current", None)


def draft(job: Session) -> dict[str, Any]:
    assert job.folder is not None
    return json.loads((job.folder / "draft.json").read_text())


def refused(job: Session, sentence: str, call: Callable[[], Any]) -> None:
    """Check that a call is refused with this sentence, and that the draft remembers it."""
    with pytest.raises(BadResult) as caught:
        call()
    assert sentence in str(caught.value)
    assert draft(job)["problems"] == [str(caught.value)]
    assert draft(job)["results"] == []


class Scalar:
    """What numpy's scalars and arrays of one element have in common."""

    def __init__(self, value: Any, size: int = 1, mask: bool | None = None) -> None:
        self._value, self.size = value, size
        if mask is not None:
            self.mask = mask

    def item(self) -> Any:
        return self._value

    def __float__(self) -> float:
        if self.size != 1:
            raise TypeError("only arrays of one element can be made numbers")
        return float(self._value)


# --- the forms of the call --------------------------------------------------------------------------------------------


def test_the_call_of_the_talk(job: Session, capsys: pytest.CaptureFixture[str]) -> None:
    area, rate, run_id = 1234.5, 0.25, "052894"
    xomresult = Xomresult(
        analysis_name="photo_ionization",
        analysis_version="v0.0",
        variable_name="area",
        variable_value=area,
        runid=int(run_id),
        data={"area": area, "rate": rate},
    )
    xomresult.xom_message(success=True)
    xomresult.save()
    kept = draft(job)
    assert [(one["variable"], one["value"], one["data"]) for one in kept["results"]] == [
        ("area", area, {"area": area, "rate": rate})
    ]
    assert kept["problems"] == []
    assert kept["messages"] == ["XOM photo_ionization v0.0 run 052894: success"]
    assert capsys.readouterr().out == "XOM photo_ionization v0.0 run 052894: success\n"


def test_the_form_with_a_dictionary_says_the_same(job: Session) -> None:
    values = {"variable_name": "a", "variable_value": 1.5, "runid": 52894, "error": 0.1, "unit": "Hz", "n": 7}
    Xomresult(values).save()
    Xomresult(**{**values, "variable_name": "b"}).save()
    first, second = draft(job)["results"]
    assert first == {**second, "variable": "a"}


def test_a_keyword_goes_before_the_dictionary(job: Session) -> None:
    Xomresult({"variable_name": "a", "variable_value": 1.5}, variable_name="b").save()
    assert draft(job)["results"][0]["variable"] == "b"


def test_what_former_scripts_also_passed_is_taken_and_ignored(job: Session) -> None:
    Xomresult(
        variable_name="a", variable_value=1, container="xenonnt-development.simg", measurement_name="x", tag="y"
    ).save()
    assert "container" not in draft(job)["results"][0]


def test_name_version_and_run_may_be_left_out(job: Session) -> None:
    made = Xomresult(variable_name="a", variable_value=1)
    assert (made.analysis_name, made.analysis_version, made.runid) == ("photo_ionization", "v0.0", 52894)


def test_a_script_says_several_variables(job: Session) -> None:
    for name in ("a", "b", "c"):
        Xomresult(variable_name=name, variable_value=1).save()
    assert [one["variable"] for one in draft(job)["results"]] == ["a", "b", "c"]


def test_nothing_is_kept_before_save(job: Session) -> None:
    Xomresult(variable_name="a", variable_value=1)
    assert job.results == []


def test_a_result_without_a_number_has_its_reason(job: Session) -> None:
    Xomresult(variable_name="a", insufficient="12 events selected, 50 needed", n=12, unit="PE/keV").save()
    kept = draft(job)["results"][0]
    assert (kept["value"], kept["insufficient"], kept["n"]) == (None, "12 events selected, 50 needed", 12)


@pytest.mark.parametrize("limit", ["upper", "lower"])
def test_a_limit_is_said(job: Session, limit: str) -> None:
    Xomresult(variable_name="a", variable_value=1, limit=limit).save()
    assert draft(job)["results"][0]["limit"] == limit


@pytest.mark.parametrize("runid", [52894, "52894", "052894", Scalar(52894).item(), 52894.0])
def test_the_runs_own_number_is_taken_in_every_spelling(job: Session, runid: Any) -> None:
    Xomresult(variable_name="a", variable_value=1, runid=runid).save()
    assert len(draft(job)["results"]) == 1


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [(1, 1.0), (-2.5, -2.5), (Scalar(3), 3.0), (Scalar(2.5, mask=False), 2.5), (decimal.Decimal("0.1"), 0.1)],
    ids=["int", "float", "numpy int", "unmasked", "Decimal"],
)
def test_every_kind_of_number_is_taken(job: Session, value: Any, kept: float) -> None:
    Xomresult(variable_name="a", variable_value=value, error=Scalar(0.5), n=Scalar(4.0)).save()
    one = draft(job)["results"][0]
    assert (one["value"], one["error"], one["n"]) == (kept, 0.5, 4)


NOT_NUMBERS = [
    math.nan,
    math.inf,
    -math.inf,
    True,
    "1.5",
    b"1",
    bytearray(b"1"),
    memoryview(b"1"),
    10**400,
    [1.0],
    {},
    1j,
    Scalar(True),
    Scalar(math.nan),
]
NOT_NUMBERS += [Scalar(1.0, size=2), Scalar(1.0, mask=True), decimal.Decimal("NaN"), object()]
NOT_NUMBERS += [datetime.timedelta(1), datetime.datetime(2026, 1, 1), Scalar(datetime.timedelta(1)), Scalar(None)]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("place", ["variable_value", "error", "n"])
def test_what_is_not_a_finite_number_is_refused(job: Session, place: str, value: Any) -> None:
    keywords = {"variable_name": "a", "variable_value": 1, place: value}
    refused(job, "a is " if place == "variable_value" else f"a: {place} is ", lambda: Xomresult(**keywords).save())


@pytest.mark.parametrize(
    "value",
    [None, 10**400, datetime.timedelta(1), [1], {}, Scalar(1.0, mask=True), b"x"],
    ids=lambda value: type(value).__name__,
)
def test_what_does_not_fit_into_data_is_refused(job: Session, value: Any) -> None:
    refused(job, "data['x']", lambda: Xomresult(variable_name="a", variable_value=1, data={"x": value}).save())


@pytest.mark.parametrize("value", [math.nan, math.inf, Scalar(math.nan), decimal.Decimal("NaN")])
def test_an_entry_of_data_that_is_not_finite_costs_itself_only(job: Session, value: Any) -> None:
    Xomresult(variable_name="a", variable_value=1, data={"x": value, "y": 2}).save()
    kept = draft(job)
    assert (kept["results"][0]["data"], kept["problems"]) == ({"y": 2}, [])
    (warning,) = kept["messages"]
    assert warning.startswith("warning: a: data['x'] is ") and warning.endswith("this entry is left out")


@pytest.mark.parametrize("value", [1, 2**60, 1.5, True, False, "text", ""])
def test_plain_values_stay_what_they_are_in_data(job: Session, value: Any) -> None:
    Xomresult(variable_name="a", variable_value=1, data={"x": Scalar(value), "y": value}).save()
    kept = draft(job)["results"][0]["data"]
    assert kept == {"x": value, "y": value}
    assert {type(one) for one in kept.values()} == {type(value)}


@pytest.mark.parametrize("n", [-1, 1.5, 2.0**60])
def test_a_count_is_whole_and_not_negative(job: Session, n: float) -> None:
    refused(job, "a count is needed", lambda: Xomresult(variable_name="a", variable_value=1, n=n).save())


def test_a_negative_error_is_refused(job: Session) -> None:
    refused(job, "cannot be negative", lambda: Xomresult(variable_name="a", variable_value=1, error=-0.1).save())


@pytest.mark.parametrize("given", [(0.1, 0.3), [0.1, 0.3]])
def test_the_two_sides_of_an_error_may_differ(job: Session, given: Any) -> None:
    Xomresult(variable_name="a", variable_value=1, error=given).save()
    one = draft(job)["results"][0]
    assert (one["error"], one["error_low"], one["error_high"]) == (0.3, 0.1, 0.3)


def test_an_error_with_two_equal_sides_is_one_number(job: Session) -> None:
    Xomresult(variable_name="a", variable_value=1, error=(0.2, 0.2)).save()
    one = draft(job)["results"][0]
    assert one["error"] == 0.2 and "error_low" not in one


@pytest.mark.parametrize("given", [(0.1, -0.3), (0.1, None), (0.1,), (0.1, 0.2, 0.3), (), ("0.1", 0.2)])
def test_what_is_no_error_with_two_sides_is_refused(job: Session, given: Any) -> None:
    refused(job, "a: error is ", lambda: Xomresult(variable_name="a", variable_value=1, error=given).save())


@pytest.mark.parametrize("name", [None, "", "  ", 5, "a\nb", "a\n", 'a"b', "a\\b", "\x00", "\ud800"])
def test_a_name_that_is_no_line_of_text_is_refused(job: Session, name: Any) -> None:
    refused(job, "variable_name", lambda: Xomresult(variable_name=name, variable_value=1).save())


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"variable_value": 1, "insufficient": "too few"},
        {"variable_value": None},
        {"insufficient": ""},
        {"insufficient": " "},
        {"variable_value": 1.0, "insufficient": "too few"},
    ],
)
def test_there_is_either_a_number_or_a_reason(job: Session, keywords: dict[str, Any]) -> None:
    refused(job, "either a variable_value or insufficient", lambda: Xomresult(variable_name="a", **keywords).save())


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"limit": "middle"}, "limit is 'middle'"),
        ({"limit": []}, "limit is []"),
        ({"data": [1, 2]}, "data is list, a dictionary is needed"),
        ({"data": {"a\\": 1}}, "data has the key"),
        ({"data": {"": 1}}, "data has the key"),
        ({"data": {1: 1, "1": 2}}, "data has keys that are the same as text: 1, '1'"),
        ({"data": 0}, "data is int, a dictionary is needed"),
        ({"variable_value": 10**400}, "a is larger than a 64-bit float can hold"),
        ({"variable_value": None, "insufficient": math.nan}, "a: insufficient is nan, a text is needed"),
        ({"variable_value": None, "insufficient": False}, "a: insufficient is False, a text is needed"),
    ],
)
def test_more_that_is_refused(job: Session, keywords: dict[str, Any], sentence: str) -> None:
    refused(job, sentence, lambda: Xomresult({"variable_name": "a", "variable_value": 1, **keywords}).save())


# --- what is not this job's -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"runid": 52895}, "runid is 52895, but this job is for 52894"),
        ({"runid": "052895"}, "runid is 52895, but this job is for 52894"),
        ({"runid": 52894.5}, "runid is 52894.5, a run number is needed"),
        ({"runid": math.inf}, "runid is inf, a run number is needed"),
        ({"runid": math.nan}, "runid is nan, a run number is needed"),
        ({"runid": None}, "runid is None, a run number is needed"),
        ({"runid": "latest"}, "runid is 'latest', a run number is needed"),
        ({"analysis_name": "kr83m"}, "analysis_name is 'kr83m', but this job is for 'photo_ionization'"),
        ({"analysis_version": "v1"}, "analysis_version is 'v1', but this job is for 'v0.0'"),
        ({"variabel_name": "a"}, "has no keyword 'variabel_name'"),
    ],
)
def test_another_jobs_result_is_refused_at_once(job: Session, keywords: dict[str, Any], sentence: str) -> None:
    refused(job, sentence, lambda: Xomresult(**{"variable_name": "a", "variable_value": 1, **keywords}))


def test_saving_twice_is_refused_and_the_first_stays(job: Session) -> None:
    made = Xomresult(variable_name="a", variable_value=1)
    made.save()
    with pytest.raises(BadResult, match="'a' is saved twice"):
        made.save()
    with pytest.raises(BadResult, match="'a' is saved twice"):
        Xomresult(variable_name="a", variable_value=2).save()
    assert [one["value"] for one in draft(job)["results"]] == [1.0]
    assert len(draft(job)["problems"]) == 2


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"variable_name": "a" * 201}, f"variable_name is '{'a' * 76}..., a line of text without quotes"),
        ({"data": {"k" * 201: 1}}, f"any: data has the key '{'k' * 76}..., a line of text without quotes"),
        ({"data": {"k": "x" * 60_001}}, "any: data['k'] is a text of 60001 characters, at most 60000 are kept"),
        ({"data": dict.fromkeys(map(str, range(10_001)), 1)}, "any: data has 10001 entries, at most 10000 are kept"),
        ({"variable_value": "1" * 10**6}, f"any is '{'1' * 76}..., a number is needed"),
    ],
    ids=["name", "key", "text", "entries", "value"],
)
def test_what_no_store_takes_is_refused_in_a_short_sentence(
    job: Session, keywords: dict[str, Any], sentence: str
) -> None:
    refused(job, sentence, Xomresult(**{"variable_name": "any", "variable_value": 1, **keywords}).save)


def test_a_long_reason_and_message_are_cut(job: Session) -> None:
    Xomresult(variable_name="any", insufficient="x" * 10**6, unit="u" * 10**6).save()
    xom_message(True, "x" * 10**6)
    (one,) = draft(job)["results"]
    assert (one["insufficient"], one["unit"]) == ("x" * 1997 + "...", "u" * 197 + "...")
    assert draft(job)["messages"][0].endswith("success: " + "x" * 1997 + "...")


def test_a_run_has_at_most_2000_results(job: Session) -> None:
    job.results += [{"variable": str(number)} for number in range(2000)]
    with pytest.raises(BadResult, match="more than 2000 results: save numbers that belong together as data of one"):
        Xomresult(variable_name="any", variable_value=1).save()


def test_a_problem_is_remembered_when_the_script_swallows_it(job: Session) -> None:
    try:
        Xomresult(variable_name="a", variable_value=math.nan).save()
    except Exception:
        Xomresult(variable_name="b", variable_value=1).save()
    kept = draft(job)
    assert kept["problems"] == ["a is nan, a finite number is needed"]
    assert [one["variable"] for one in kept["results"]] == ["b"]


values = json_values | st.builds(Scalar, json_values) | st.sampled_from([b"x", 1j, object(), decimal.Decimal("1")])
names = st.sampled_from(["variable_name", "variable_value", "error", "unit", "n", "limit", "insufficient", "data"])


@given(given=st.dictionaries(names, values), name=any_text | st.just("a"))
def test_whatever_is_passed_gives_a_valid_result_or_bad_result(given: dict[str, Any], name: str) -> None:
    begun = job_module.begin(JOB)
    try:
        Xomresult({"variable_name": name, "variable_value": 1.0, **given}).save()
    except BadResult as error:
        assert begun.problems == [str(error)]
        assert begun.results == []
    else:
        check_outcome(outcome(results=json.loads(json.dumps(begun.results, allow_nan=False))))


def test_a_script_saves_into_its_own_job_whatever_its_environment_names(
    job: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(job_module.VARIABLE, str(tmp_path / "none.json"))
    assert job_module.current() is job


# --- figures and messages ---------------------------------------------------------------------------------------------


PNG = b"\x89PNG\r\n\x1a\n"


class Picture:
    def savefig(self, path: Path) -> None:
        path.write_bytes(b"made by savefig")


class Sized(Picture):
    def __init__(self, *inches: float) -> None:
        self.inches, self.dpi = inches, 100

    def get_size_inches(self) -> tuple[float, ...]:
        return self.inches


@pytest.mark.parametrize(
    ("picture", "content"), [(Picture(), b"made by savefig"), (Sized(), b"made by savefig"), (PNG, PNG)]
)
def test_a_figure_is_kept(job: Session, tmp_path: Path, picture: Any, content: bytes) -> None:
    figure("over-view_1", picture)
    assert draft(job)["figures"] == ["over-view_1.png"]
    assert (tmp_path / "figures/over-view_1.png").read_bytes() == content


def test_a_figure_that_is_too_large_is_a_problem_even_if_the_script_goes_on(job: Session, tmp_path: Path) -> None:
    figure("large", Sized(60, 50))
    with pytest.raises(BadResult) as caught:
        figure("larger", Sized(70, 50))
    sentence = (
        "figure 'larger' is 70 x 50 inches, 35 million pixels; at most 30 million are kept: give figsize in inches"
    )
    assert (str(caught.value), draft(job)["problems"], job.figures) == (sentence, [sentence], ["large.png"])
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["large.png"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a.png", "a b", "a\n", "é", ".", "a" * 101, None, 5])
def test_a_figure_has_a_plain_name(job: Session, tmp_path: Path, name: Any) -> None:
    with pytest.raises(BadResult, match="a figure is named"):
        figure(name, PNG)
    assert job.figures == []
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("picture", "kind"),
    [("plot.png", "str"), (object(), "object"), (bytearray(PNG), "bytearray")],
)
def test_what_is_no_figure_is_refused(job: Session, picture: Any, kind: str) -> None:
    with pytest.raises(BadResult, match=f"figure 'a' is {kind}; a figure of matplotlib or the bytes of a PNG are"):
        figure("a", picture)
    assert job.figures == []


def test_a_script_may_save_several_figures(job: Session, tmp_path: Path) -> None:
    for name in ("a", "b"):
        figure(name, Picture())
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["a.png", "b.png"]


def test_a_figure_is_not_saved_twice(job: Session, tmp_path: Path) -> None:
    figure("a", PNG)
    with pytest.raises(BadResult, match="figure 'a' is saved twice"):
        figure("a", PNG + b"second")
    assert (tmp_path / "figures/a.png").read_bytes() == PNG


def test_a_message_says_how_it_went(job: Session) -> None:
    xom_message(success=False, text="no peaks")
    assert draft(job)["messages"] == ["XOM photo_ionization v0.0 run 052894: no success: no peaks"]


def test_no_success_is_a_problem_whatever_else_is_saved(job: Session) -> None:
    made = Xomresult(variable_name="a", variable_value=1)
    made.xom_message(success=True)
    made.save()
    assert draft(job)["problems"] == []
    made.xom_message(success=False, text="the fit did not converge")
    assert draft(job)["problems"] == ["the script reported no success: the fit did not converge"]


def test_a_blank_reason_beside_a_number_is_none(job: Session) -> None:
    Xomresult(variable_name="a", variable_value=1, insufficient=" ").save()
    assert draft(job)["results"][0]["insufficient"] is None


def test_without_a_job_the_error_says_what_to_do() -> None:
    with pytest.raises(Exception, match=r"no job is set: call this within main"):
        Xomresult(variable_name="a", variable_value=1)


def test_the_settings_that_a_script_gets_are_a_copy(job: Session) -> None:
    job_module.settings()["cut"] = 5
    assert job_module.settings() == {}
