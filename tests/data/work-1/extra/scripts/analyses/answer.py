"""Saves a number and two figures."""

import xomlib


def main(run_id):
    xomlib.Xomresult(variable_name="answer", variable_value=42.0).save()
    for name in ("pixel", "other"):
        xomlib.figure(name, b"\x89PNG\r\n\x1a\n picture of " + run_id.encode())


if __name__ == "__main__":
    xomlib.cli(main)
