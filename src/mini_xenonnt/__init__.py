"""The mini-XENONnT: a small detector with the real one's interfaces.

Run documents with the schema of the RunDB, strax data made at peak and hitlet level and processed by straxen's own
plugins, and the truth of every run beside them. `docs/mini_xenonnt.md` says what is simulated and what is simplified.
Importing this package imports neither numpy nor strax.
"""

import logging

__version__ = "2.0.0"


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Tell whether a record of utilix is more than the missing configuration file, which nothing here needs."""
    return not record.getMessage().startswith("Could not load a configuration file")


logging.getLogger("utilix").addFilter(_is_worth_saying)
