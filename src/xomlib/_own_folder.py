"""A script that is started by hand must not hide modules of Python by what lies beside it, such as ``signal.py``.

Python looks for modules beside the script first; in a job the script's folder is the last one. This module is imported
before all others of xomlib, so it imports as little as it can.
"""

import os
import sys


def look_there_last() -> None:
    """Move the folder of the script that this process runs to the end of where modules are looked for."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if (
        script
        and sys.path
        and sys.path[0]
        and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(script))
    ):
        sys.path.append(sys.path.pop(0))


look_there_last()
