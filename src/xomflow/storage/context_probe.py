"""What strax knows about the data: lineage hashes and places, asked under the analyses' software and kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xomflow.config import software
from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import ContextError
from xomflow.core.kept_json import dict_of, list_of, read_kept
from xomflow.core.paths import Paths
from xomlib.files import dump_json

_FORM = "xom-context-5"
_HOST = platform.node()  # some contexts have other storage at other hosts
_ANSWER_SECONDS = 600.0  # importing straxen may take a minute on a loaded machine; a tick must not hang for ever


@dataclass(frozen=True, slots=True)
class ContextDescription:
    """What one context under one software says.

    Parameters
    ----------
    hashes
        Lineage hash of each data type.
    storage
        The storage frontends, as `xomlib.probe.describe` describes them.
    versions
        Versions of strax, straxen and others.
    """

    hashes: dict[str, str]
    storage: tuple[dict[str, Any], ...]
    versions: dict[str, str]


class ContextProbe:
    """Asks contexts, and remembers the answers in memory and, if allowed, on disk.

    Parameters
    ----------
    paths
        Where answers are kept.
    may_write
        False in a dry-run: nothing is written then.
    types
        Every type that anybody will ask about, so that one process answers for all analyses.
    keys
        Where the configuration names each program, for sentences.
    """

    def __init__(
        self, paths: Paths, may_write: bool, types: Iterable[str] = (), keys: Mapping[Program, str] | None = None
    ) -> None:
        self._paths = paths
        self._may_write = may_write
        self._types = frozenset(types)
        self._keys = keys or {}
        self._known: dict[str, dict[str, Any]] = {}
        self.asked = 0

    def facts(self, program: Program, context: Context, types: Iterable[str]) -> ContextDescription:
        """Return what the context says about ``types``.

        An answer is kept until the program, the context's block or the list of types changes, or one of the files it
        came from (the interpreter, strax, straxen, cutax, the context's module).

        Raises
        ------
        ContextError
            If the context cannot be built, or cannot tell the lineage of one of the types.
        """
        wanted = frozenset(types)
        request = {"context": context.model_dump(), "types": sorted(wanted | self._types)}
        question = json.dumps([_FORM, _HOST, asdict(program), _stamp_of(program), request], sort_keys=True, default=str)
        digest = hashlib.sha256(question.encode()).hexdigest()[:16]
        if digest not in self._known:
            kept = self._paths.cache / f"context-{digest}.json"
            answer = read_kept(kept, lambda answer: _fresh(answer, request["types"]))
            if answer is None:
                answer = self._ask(program, request)
                if self._may_write and answer.get("keep"):
                    dump_json(kept, answer)
            self._known[digest] = answer  # a refusal too: to ask once more would take as long, for every analysis
        answer = self._usable(self._known[digest], program, request)
        for name in sorted(wanted & answer["without"].keys()):
            raise ContextError(f"{self._where(program, request)}: {' '.join(answer['without'][name].split())}")
        hashes = {name: answer["hashes"][name] for name in sorted(wanted)}
        return ContextDescription(hashes, tuple(answer["storage"]), answer["versions"])

    def stored(self, program: Program, context: Context, questions: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Ask strax itself which (run, type) are stored; for storage that cannot be read as folders."""
        request = {"context": context.model_dump(), "stored": questions}
        answer = self._usable(self._ask(program, request), program, request)
        return {(run, name) for run, name in answer["stored"]}

    def _ask(self, program: Program, request: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        with tempfile.TemporaryDirectory() as scratch:
            order = Path(scratch, "request.json")
            dump_json(order, request)
            # The libraries leave caches of their own; in a dry-run these must not stay either.
            paths = self._paths if self._may_write else Paths(Path(scratch))
            answer = _answer(software.command(program, paths, "xomlib.probe", str(order)), program, paths)
        if program.image:
            answer["files"] = {}  # they are inside the image, whose own time stamp counts
        return answer

    def _usable(self, answer: dict[str, Any], program: Program, request: dict[str, Any]) -> dict[str, Any]:
        if "error" in answer:
            raise ContextError(f"{self._where(program, request)}: {answer['error']}")
        return answer

    def _where(self, program: Program, request: dict[str, Any]) -> str:
        named = " ".join(filter(None, [self._keys.get(program), program.name]))
        return f"{request['context']['function']} under {named}"


def _answer(command: list[str], program: Program, paths: Paths) -> dict[str, Any]:
    """Return what the probe says, or under ``error`` why it says nothing."""
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
        return {"error": _last_line(done.stderr)}
    try:
        return json.loads(done.stdout)
    except ValueError:
        said = repr(done.stdout[:80]) if done.stdout else "nothing"
        return {"error": f"it does not answer as a Python interpreter with xomlib would, it said {said}"}


def _fresh(answer: Any, types: Iterable[str]) -> dict[str, Any] | None:
    """Return a kept answer if the files it came from are as they were; any error of `read_kept` for another form."""
    told = [dict_of(str)(answer[name]) for name in ("hashes", "without", "versions")]
    whole = all({"kind", "take_only", "exclude"} <= one.keys() for one in list_of(dict)(answer["storage"]))
    same = all(os.stat(file).st_mtime_ns == stamp for file, stamp in dict_of(int)(answer["files"]).items())  # noqa: PTH116
    return answer if whole and same and set(types) <= told[0].keys() | told[1].keys() else None


def _stamp_of(program: Program) -> list[Any]:
    file = program.own_file
    try:
        return [str(file.resolve()), file.stat().st_mtime_ns]
    except OSError:
        return [str(file)]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it ended without a word"
