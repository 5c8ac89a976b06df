"""Read and validate outcomes. The first one that is read imports pydantic, so no job may read one."""

from __future__ import annotations

import errno
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xomflow.core import times
from xomflow.outcomes.files import finished_of
from xomflow.outcomes.model import Outcome
from xomlib.documents.schema import SchemaError, check_outcome
from xomlib.files import NoFileError, parse_json, read_bytes

if TYPE_CHECKING:  # a tick without a new outcome reads none, and its steps start faster
    from pydantic import TypeAdapter


def read_outcome(path: Path) -> Outcome:
    """Read the outcome of a finished run or of a failed attempt.

    Raises
    ------
    SchemaError
        If it is not JSON, not an outcome, or if its key or status differs from those in its path.
    OSError
        If it cannot be read.
    """
    return outcome_at(path, read_document(path))


def read_document(path: Path) -> Any:
    """Return the JSON of an outcome's file; `SchemaError` if it is not JSON, `OSError` if it cannot be read.

    A link to nothing is no outcome: what it led to is gone, or its disk is away, and then the link is kept with what
    is set aside.
    """
    try:
        return _parsed(read_bytes(path))
    except IsADirectoryError:
        raise SchemaError("is a folder") from None
    except NoFileError:
        raise SchemaError("is a pipe, a socket or a device") from None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink():
            raise SchemaError("is a link that leads to no file") from None
        raise
    except ValueError as error:
        raise SchemaError(f"is not JSON: {error}") from None


def compact(document: Any) -> str:
    """Return a document as one line of JSON."""
    from pydantic_core import to_json

    try:
        return to_json(document, inf_nan_mode="constants").decode()
    except ValueError:  # half characters
        return json.dumps(document, separators=(",", ":"))


def _parsed(content: bytes) -> Any:
    """Return the value of a JSON text, by the quick parser of pydantic; what it refuses is parsed as any other JSON."""
    from pydantic_core import from_json

    try:
        return from_json(content)
    except ValueError:
        return parse_json(content.decode())


def outcome_at(path: Path, document: Any) -> Outcome:
    """Return the outcome in the document of a file; `SchemaError` if it is not one, or belongs to another path."""
    return outcome_named((path.parent.parent.parent.name, path.parent.parent.name), path.name, document)


def outcome_named(method: tuple[str, str], name: str, document: Any) -> Outcome:
    """Return the outcome in the document of a file of this name, of an analysis and version; see `outcome_at`."""
    outcome = parse_outcome(document)
    key = outcome.key
    if (key.analysis, key.version) != method or key.run != name.partition(".")[0]:
        raise SchemaError(f"is the outcome of {key.analysis} {key.version} {key.run}")
    if (outcome.status == "done") != bool(finished_of(name)):
        raise SchemaError(f"has the status {outcome.status}")
    if outcome.status == "done":
        _check_start(outcome.run.start)
    return outcome


def parse_outcome(document: Any) -> Outcome:
    """Return the outcome in a document of the present form or of ``xom-outcome-1``.

    Raises
    ------
    SchemaError
        At the first place where the document is not an outcome.
    """
    from pydantic import ValidationError

    document = _present_form(document)
    try:
        return adapter().validate_python(document)
    except ValidationError as error:
        if (other := _without_blank_reasons(document)) != document:
            return parse_outcome(other)
        check_outcome(document)  # raises an error with a better sentence
        raise SchemaError(str(error)) from None


@functools.cache
def adapter() -> TypeAdapter[Outcome]:
    """Return the validator of outcomes, made at the first call."""
    from pydantic import TypeAdapter

    return TypeAdapter(Outcome)


def _present_form(document: Any) -> Any:
    """Return a document of ``xom-outcome-1`` in the present form, any other as it is."""
    if not isinstance(document, dict) or document.get("schema") != "xom-outcome-1":
        return document
    provenance = document.get("provenance")
    if isinstance(provenance, dict) and "slurm_job" in provenance:
        job = provenance["slurm_job"]
        batch_job = None if job is None else {"system": "slurm", "job": job}
        provenance = {**provenance, "batch_job": batch_job}
    return {**document, "schema": "xom-outcome-2", "provenance": provenance}


def _without_blank_reasons(document: Any) -> Any:
    """Return a document in which a blank reason beside a value is none; version 1.0 kept it."""
    if not isinstance(document, dict) or not isinstance(results := document.get("results"), list):
        return document
    return {**document, "results": [_without_blank_reason(one) for one in results]}


def _without_blank_reason(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    reason = result.get("insufficient")
    return {**result, "insufficient": None} if isinstance(reason, str) and not reason.strip() else result


def _check_start(start: str | None) -> None:
    """Raise `SchemaError` where the start of a run, which becomes the time of its points, is not a time."""
    try:
        times.moment(start)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SchemaError(f"has the start {start!r}, a time is needed") from None
