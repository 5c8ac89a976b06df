"""How hard tests that try many cases try: a little in each run of the tests, more where time does not count."""

import os

EFFORT = int(os.environ.get("XOM_TEST_EFFORT", "1"))
"""`make test-all` sets 4."""


def tries(few: int) -> int:
    """Return how many cases to try, of which ``few`` are enough for `make test`."""
    return few * EFFORT
