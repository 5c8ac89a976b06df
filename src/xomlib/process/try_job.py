"""Make one attempt outside a tick: ``python -m xomlib.process.try_job JOB.json FOLDER``."""

import json
import sys
from pathlib import Path

from xomlib.attempt import attempt
from xomlib.documents.job_description import JobDescription
from xomlib.files import read_json


def main(words: list) -> int:
    """Make the attempt that a file describes, keep results and figures in a folder, and print the attempt as JSON."""
    made = attempt(JobDescription.from_json(read_json(words[0])), Path(words[1]))
    print(json.dumps(made.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
