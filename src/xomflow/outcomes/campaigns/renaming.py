"""Outcomes and failure records of an analysis that gets another name: their key is inside the document too."""

from __future__ import annotations

from xomflow.core.files.kept_json import UNREADABLE
from xomlib.files import json_text, parse_json


def under_new_name(content: bytes, old: str, new: str) -> bytes | None:
    """Return the file of an outcome or failure record under the new name; None if it has no key of the old one.

    Parameters
    ----------
    content
        The file.
    old, new
        Names of the analysis.
    """
    try:
        document = parse_json(content)
        if document["key"]["analysis"] != old:
            return None
        document["key"]["analysis"] = new
        if document.get("failure"):
            log = str(document["failure"]["log"])
            document["failure"]["log"] = f"/logs/{new}/".join(log.rsplit(f"/logs/{old}/", 1))
        return json_text(document).encode("utf-8", "backslashreplace")
    except UNREADABLE:  # a tick sets it aside
        return None
