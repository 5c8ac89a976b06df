"""Print for people: no text of a run document, a file name or another program can steer the terminal."""

import re
import sys
from types import TracebackType
from typing import Any, Optional, TextIO, Type

# Control characters, what turns the direction of writing or has no width, line separators, halves of characters.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

# Begins a line of an outcome's message that is XOM's own.
WARNING = "warning: "
# Characters of a sentence, a message or a reason; those of a script may have a megabyte.
LONGEST = 2000


def shortened(text: str, most: int = LONGEST) -> str:
    """Return a text, cut where it has more than so many characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def shown(value: Any, most: int = 80) -> str:
    """Return a value in the form of Python for a sentence, cut where it is long."""
    return shortened(repr(value), most)


def printable(line: str) -> str:
    r"""Return a line with every character that does more than show in the form of Python, such as ``\x1b``."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def printable_lines(text: str) -> str:
    """Return a text of several lines, each `printable`."""
    return "\n".join(map(printable, text.split("\n")))


def say(*lines: str, file: Optional[TextIO] = None) -> None:
    """Print lines, each `printable`; what the encoding of the terminal lacks is shown in the form of Python.

    Parameters
    ----------
    lines
        Each becomes one line; a line end in it is a character like others.
    file
        Where they go; default: standard output.
    """
    out = file or sys.stdout
    coding = getattr(out, "encoding", None) or "utf-8"
    text = "\n".join(map(printable, lines))
    print(text.encode(coding, "backslashreplace").decode(coding), file=out)


def say_unforeseen(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
    """Print an error that nothing handles, as Python does, but `printable`; a hook for ``sys.excepthook``."""
    import traceback  # here, as most programs end well

    text = "".join(traceback.format_exception(kind, error, trace))
    say(*text.rstrip("\n").split("\n"), file=sys.stderr)
