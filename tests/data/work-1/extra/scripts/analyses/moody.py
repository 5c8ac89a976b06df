"""Fails."""

import xomlib


def main(run_id):
    raise ValueError("it is odd")


if __name__ == "__main__":
    xomlib.cli(main)
