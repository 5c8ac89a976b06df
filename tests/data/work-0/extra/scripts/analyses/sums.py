"""Counts the runs of a campaign."""

import xomlib


def main(run_id):
    names = xomlib.runs()
    missing = xomlib.run()["runs_missing"]
    data = {"names": ",".join(names), "missing": len(missing)}
    xomlib.Xomresult(variable_name="runs", variable_value=len(names), data=data).save()
