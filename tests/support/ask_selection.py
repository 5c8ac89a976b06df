"""Asks straxen which runs it would select; runs under the analysis interpreter.

The file that is named first holds a list of questions, each the arguments of ``select_runs``. The answer to each, in
the file named second: the selected run ids.
"""

import json
import sys
from pathlib import Path

import straxen

if __name__ == "__main__":
    st = straxen.contexts.xenonnt_online(
        output_folder="", _auto_append_rucio_local=False, _raw_paths=[], _processed_paths=[], check_available=()
    )
    questions = json.loads(Path(sys.argv[1]).read_text())
    answers = [sorted(st.select_runs(**question)["name"].values.tolist()) for question in questions]
    Path(sys.argv[2]).write_text(json.dumps(answers))
