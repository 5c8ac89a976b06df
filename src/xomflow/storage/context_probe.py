"""Lineage hashes and storage frontends of strax contexts, asked under the analyses' software and kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from xomflow.config import software
from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import ContextError
from xomflow.core.files.kept_json import dict_of, list_of, read_kept
from xomflow.core.paths import SOURCE, Paths
from xomflow.storage.frontend import Frontend
from xomflow.storage.frontends import frontend_in
from xomlib.files import dump_json, parse_json

# An answer is kept for as long as the program that gave it is the same.
_PROBE = hashlib.sha256((SOURCE / "xomlib/probe.py").read_bytes()).hexdigest()
_HOST = platform.node()  # some contexts have other storage at other hosts
_ANSWER_SECONDS = 600.0  # importing straxen may take a minute on a loaded machine; a tick must not hang


@dataclass(frozen=True, slots=True)
class ContextDescription:
    """One context under one software.

    Parameters
    ----------
    hashes
        Lineage hash of each data type.
    storage
        The storage frontends, in strax's order.
    versions
        Versions of strax, straxen and others.
    """

    hashes: dict[str, str]
    storage: tuple[Frontend, ...]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of `xomlib.probe`.

    Parameters
    ----------
    description
        The context, with all types that it can give a lineage hash for.
    without
        Why it cannot give one, by type.
    files
        Time stamps of the files from which the answer follows.
    """

    description: ContextDescription
    without: dict[str, str]
    files: dict[str, int]

    @classmethod
    def from_json(cls, document: Any, types: Iterable[str]) -> _Answer:
        """Return an answer about these types; `KeyError`, `TypeError` or `ValueError` for another form."""
        hashes, without, versions = (dict_of(str)(document[name]) for name in ("hashes", "without", "versions"))
        if not set(types) <= hashes.keys() | without.keys():
            raise ValueError("a type has no answer")
        storage = tuple(map(frontend_in, list_of(dict)(document["storage"])))
        return cls(ContextDescription(hashes, storage, versions), without, dict_of(int)(document["files"]))


class ContextProbe:
    """Asks contexts under the analyses' software, and keeps the answers in memory and, if allowed, on disk.

    Parameters
    ----------
    paths
        Where answers are kept.
    may_write
        False in a dry-run: nothing is written then.
    types
        Every type that any analysis asks about, so that one process answers for all analyses.
    keys
        Where the configuration names each program, for sentences.

    Attributes
    ----------
    asked
        How many processes were started.
    """

    def __init__(
        self, paths: Paths, may_write: bool, types: Iterable[str] = (), keys: Mapping[Program, str] | None = None
    ) -> None:
        self._paths = paths
        self._may_write = may_write
        self._types = frozenset(types)
        self._keys = keys or {}
        self._answers: dict[str, _Answer | str] = {}  # a text is why there is none
        self.asked = 0

    def describe(self, program: Program, context: Context, types: Iterable[str]) -> ContextDescription:
        """Return the description of a context, with the lineage hashes of ``types``.

        An answer is kept until the program, the context's block or the list of types changes, or one of the files it
        came from (the interpreter, strax, straxen, cutax, the context's module).

        Raises
        ------
        ContextError
            If the context cannot be built, or has no lineage for one of the types.
        """
        wanted = frozenset(types)
        request = {"context": context.model_dump(), "types": sorted(wanted | self._types)}
        question = json.dumps(
            [_PROBE, _HOST, asdict(program), _stamp_of(program), request], sort_keys=True, default=str
        )
        digest = hashlib.sha256(question.encode()).hexdigest()[:16]
        if digest not in self._answers:  # a refusal is kept too: to ask again would take as long, for every analysis
            self._answers[digest] = self._answer_to(request, program, self._paths.cache / f"context-{digest}.json")
        answer = self._answers[digest]
        if isinstance(answer, str):
            raise ContextError(f"{self._where(program, context)}: {answer}")
        for name in sorted(wanted & answer.without.keys()):
            raise ContextError(f"{self._where(program, context)}: {' '.join(answer.without[name].split())}")
        hashes = {name: answer.description.hashes[name] for name in sorted(wanted)}
        return replace(answer.description, hashes=hashes)

    def stored(self, program: Program, context: Context, questions: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these (run, type) strax itself finds."""
        document = self._ask(program, {"context": context.model_dump(), "stored": questions})
        try:
            return {(str(run), str(name)) for run, name in document["stored"]}
        except (KeyError, TypeError, ValueError):
            raise ContextError(f"{self._where(program, context)}: {_refusal(document)}") from None

    def _answer_to(self, request: dict[str, Any], program: Program, kept: Path) -> _Answer | str:
        """Return the kept answer if it still holds, else a new one; a text if there is none."""
        answer = read_kept(kept, lambda document: _holding(_Answer.from_json(document, request["types"])))
        if answer is not None:
            return answer
        document = self._ask(program, request)
        try:
            answer = _Answer.from_json(document, request["types"])
        except (KeyError, TypeError, ValueError):
            return _refusal(document)
        if self._may_write and document.get("keep"):
            dump_json(kept, document)
        return answer

    def _ask(self, program: Program, request: dict[str, Any]) -> Any:
        """Return the answer of a new process, a JSON value."""
        self.asked += 1
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "request.json")
            dump_json(file, request)
            # The libraries leave caches of their own; in a dry-run these must not stay either.
            paths = self._paths if self._may_write else Paths(Path(scratch))
            document = _output(software.command(program, paths, "xomlib.probe", str(file)), program, paths)
        if program.image and isinstance(document, dict):
            document["files"] = {}  # they are inside the image, whose own time stamp counts
        return document

    def _where(self, program: Program, context: Context) -> str:
        named = " ".join(filter(None, [self._keys.get(program), program.name]))
        return f"{context.function} under {named}"


def _output(command: list[str], program: Program, paths: Paths) -> Any:
    """Return the JSON value that a probe prints; an object with ``error`` if it prints none."""
    try:
        done = subprocess.run(
            command,
            env=software.environment(program, paths),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_SECONDS,
        )
    except OSError as error:
        return {"error": f"it cannot be started: {error.strerror}"}
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {_ANSWER_SECONDS:.0f} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"it ended with exit status {done.returncode} and no message"}
    try:
        return parse_json(done.stdout)
    except ValueError:
        return {"error": _no_probe(done.stdout)}


def _refusal(document: Any) -> str:
    """Return why an answer is of no use."""
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        return document["error"]
    return _no_probe(json.dumps(document))


def _no_probe(output: str) -> str:
    found = repr(output[:80]) if output else "nothing"
    return f"a Python interpreter with xomlib is needed, and this one printed {found}"


def _holding(answer: _Answer) -> _Answer | None:
    """Return an answer if the files from which it follows are unchanged."""
    same = all(os.stat(file).st_mtime_ns == stamp for file, stamp in answer.files.items())  # noqa: PTH116
    return answer if same else None


def _stamp_of(program: Program) -> list[Any]:
    file = program.own_file
    try:
        return [str(file.resolve()), file.stat().st_mtime_ns]
    except OSError:
        return [str(file)]
