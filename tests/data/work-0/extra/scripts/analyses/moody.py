"""Works for runs with an even number only."""

import xomlib


def main(run_id):
    if int(run_id) % 2:
        raise ValueError(f"run {run_id} is odd")
    xomlib.Xomresult(variable_name="mood", variable_value=1).save()
