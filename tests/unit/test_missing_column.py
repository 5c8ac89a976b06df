"""A column that is not there: the sentence of the failure names those that are."""

from __future__ import annotations

import subprocess
from pathlib import Path

ASK = """
import numpy as np, pandas, strax
from xomlib.process.failures import failure_of

peaks = np.zeros(3, [("time", int), ("area", float)])
table = pandas.DataFrame({"time": [1], "area": [2]})
settings = {"cut": 1}

def ask(call):
    array, frame = peaks, table
    try:
        call(array, frame)
    except Exception as error:
        print(failure_of(error)[1])

ask(lambda array, frame: array["aera"])
ask(lambda array, frame: frame["aera"])
ask(lambda array, frame: frame[["aera", "time"]])
ask(lambda array, frame: strax.apply_selection(array, keep_columns=("time", "aera")))
ask(lambda array, frame: settings["aera"])
"""


def test_the_columns_of_arrays_and_tables_are_named_and_only_these(analysis_python: Path) -> None:
    done = subprocess.run([analysis_python, "-c", ASK], capture_output=True, text=True, check=True)
    *with_columns, of_dictionary = done.stdout.splitlines()
    assert len(with_columns) == 4
    assert all(one.endswith("; did you mean 'area'? The columns are: time, area") for one in with_columns)
    assert of_dictionary == "KeyError: 'aera'"
