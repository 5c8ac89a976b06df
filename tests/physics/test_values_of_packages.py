"""What numpy and pandas give as a number is refused where it is none, with a sentence that names it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from xomflow.core.paths import ROOT

TRY = """
import datetime, json, sys
import numpy as np, pandas as pd
import xomlib
from xomlib.job import begin
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey

session = begin(JobDescription(JobKey("any", "v1", "052001"), "any.py", ContextSpec("nobody:asks")))
said = {}
for text in json.load(sys.stdin):
    value = eval(text)
    for place in ("variable_value", "error", "n", "data"):
        keywords = {"variable_name": "it", "variable_value": 1, place: {"k": value} if place == "data" else value}
        try:
            xomlib.Xomresult(**keywords).save()
            said[f"{text} as {place}"] = str(session.results.pop())
        except xomlib.BadResult as error:
            said[f"{text} as {place}"] = str(error)
print(json.dumps(said))
"""
REFUSED = {
    "np.timedelta64(3, 's')": "a time span",
    "np.timedelta64(3, 'ns')": "a time span",
    "np.timedelta64('NaT')": "a time span",
    "np.array([3], 'm8[ns]')": "a time span",
    "np.datetime64(5, 'ns')": "a date",
    "np.datetime64('2026-01-01')": "a date",
    "datetime.timedelta(seconds=3)": "a time span",
    "datetime.datetime(2026, 1, 1)": "a date",
    "datetime.date(2026, 1, 1)": "a date",
    "pd.Timedelta(5)": "a time span",
    "pd.Timestamp(5)": "a date",
    "pd.NaT": "NaT",
    "pd.NA": "NAType",
    "pd.Series([1.0])": "a pandas Series, a single number is needed: save .item()",
    "pd.Series([1.0, 2.0])": "a pandas Series",
    "pd.DataFrame({'a': [1]})": "a pandas DataFrame",
    "np.array(None)": "of dtype object",
    "np.array([1.0, None])": "of dtype object",
    "np.array([pd.Timedelta(1)])": "of dtype object",
    "np.ma.masked": "masked",
    "np.ma.array([1.0], mask=True)": "masked",
    "np.ma.array([1.0, 2.0], mask=[False, True])": "MaskedArray",
    "np.float32('inf')": "inf",
    "np.complex128(1)": "complex",
    "np.zeros(1, [('a', float)])[0]": "a row of a table",
    "np.array([1.0, 2.0])": "ndarray",
}
# Of two numbers, an error is taken as its lower and its upper side.
PAIRS = {
    "np.array([1.0, 2.0])": "'error_low': 1.0, 'error_high': 2.0",
    "pd.Series([1.0, 2.0])": "'error_low': 1.0, 'error_high': 2.0",
    "np.array([1.0, None])": "it: error is array([1.0, None]",
    "np.ma.array([1.0, 2.0], mask=[False, True])": "it: error is masked",
}
TAKEN = [
    "np.float32(3)", "np.int64(3)", "np.array(3.0)", "np.array([3])", "np.ma.array(3.0, mask=False)", "np.longdouble(3)"
]  # fmt: skip


def test_what_packages_give_is_taken_where_it_is_a_number_and_else_refused_by_name(analysis_python: Path) -> None:
    done = subprocess.run(
        [analysis_python, "-c", TRY],
        input=json.dumps([*REFUSED, *TAKEN]),
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    wrong = {}
    *warnings, answers = done.stdout.splitlines()
    for call, said in json.loads(answers).items():
        text, _, place = call.rpartition(" as ")
        if (text, place) == ("np.float32('inf')", "data"):  # it costs the entry only
            said = "; ".join(warnings)
        if place == "error" and text in PAIRS:
            right = PAIRS[text] in said
            wrong.update({} if right else {call: said})
            continue
        name = {"variable_value": "it", "data": "it: data['k']"}.get(place, f"it: {place}")
        right = f"{name} is {REFUSED[text]}" in said if text in REFUSED else said.startswith("{'variable': 'it'")
        if not right:
            wrong[call] = said
    assert wrong == {}
