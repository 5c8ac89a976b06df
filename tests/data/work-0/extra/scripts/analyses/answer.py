"""Saves a number that follows from the run, and a figure of one pixel."""

import base64

import xomlib

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def main(run_id):
    tens = int(run_id) % 10 * 10
    xomlib.Xomresult(variable_name="answer", variable_value=tens + 0.5, error=0.25, unit="PE", n=tens).save()
    xomlib.Xomresult(variable_name="none", insufficient="there is no signal", data={"tried": 3}).save()
    xomlib.figure("pixel", PIXEL)
    xomlib.xom_message(text=f"{tens} events")
