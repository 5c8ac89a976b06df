"""What a script leaves: results, figures and its message, checked and written into the draft of the outcome.

May import: documents, job, errors, files, printing, and how an attempt counts
(`process/verdict.py`). Must never use the network.
"""

from xomlib.saving.results import Xomresult, figure, xom_message

__all__ = ["Xomresult", "figure", "xom_message"]
