"""The mini-XENONnT: a small detector with the real one's interfaces.

Run documents with the schema of the RunDB, strax data made at peak and hitlet level and processed by straxen's own
plugins, and the truth of every run beside them. `docs/mini_xenonnt.md` lists what is simulated and what is simplified.
Importing this package imports neither numpy nor strax.

May import: numpy, pandas, strax, straxen. Must never be imported by xomflow; only `config.yaml` names it.
"""

import logging

__version__ = "2.0.0"


def _is_relevant(record: logging.LogRecord) -> bool:
    """Return False for utilix' message about its missing configuration file, which is not needed here."""
    return not record.getMessage().startswith("Could not load a configuration file")


logging.getLogger("utilix").addFilter(_is_relevant)
