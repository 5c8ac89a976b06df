"""The end of a tick: when its work is done, on a signal, or at its time limit. Each publishes what there is."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from xomflow.core.errors import in_words
from xomflow.core.exit_code import ExitCode
from xomflow.slurm.submitter import Submitter
from xomflow.workflow.commands import step_command
from xomflow.workflow.ending.reported import note_news, with_news
from xomflow.workflow.ending.summary import read_summary
from xomflow.workflow.ending.terminal import closing_lines, exit_code, is_event, troubles_of
from xomflow.workflow.messages.start import send_messages
from xomflow.workflow.snakemake.exits import exit_with, explained
from xomflow.workflow.snakemake.seam import Snakemake
from xomflow.workflow.tick import Tick
from xomlib.files import dump_json, read_json
from xomlib.printing import say

# For options with which Snakemake leaves out the step on which all others depend, such as --until and --touch.
_NO_TICK = (
    "nothing was done, since Snakemake was asked for less than a tick, which begins with the rule discover: "
    "start it without --touch, --until, --omit-from and targets"
)
_Handler = Callable[[int, Any], Any]


class TickEnd:
    """Ends one tick.

    Parameters
    ----------
    snakemake
        The Snakemake that runs.
    tick
        The tick.
    """

    def __init__(self, snakemake: Snakemake, tick: Tick) -> None:
        self._snakemake = snakemake
        self._tick = tick
        self._submitter: Submitter | None = None
        self._interruption = ""

    def prepare(self, submitter: Submitter) -> None:
        """Set the handlers of signals, and the alarm at the time limit of a tick whose jobs are in Slurm."""
        self._submitter = submitter
        for number in (signal.SIGINT, signal.SIGTERM):
            then = signal.getsignal(number) if self._snakemake.runs_jobs_here else self._leave_jobs
            if not callable(then):
                continue  # it is ignored, as in the background of a shell script
            if self._snakemake.is_own_handler(then):
                then = in_thread(then)
            signal.signal(number, functools.partial(self._interrupt, then))
        if not self._snakemake.runs_jobs_here:
            signal.signal(signal.SIGALRM, functools.partial(self._interrupt, self._leave_jobs))
            signal.setitimer(signal.ITIMER_REAL, self._tick.config.slurm.tick_limit)

    def _interrupt(self, then: _Handler, number: int, frame: Any) -> None:
        self._interruption = "its time is up" if number == signal.SIGALRM else "interrupted"
        then(number, frame)

    def _leave_jobs(self, _number: int, _frame: Any) -> NoReturn:
        """End this tick now; its jobs go on. Snakemake's own ways to end are to wait for them, or to cancel them."""
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        code = 0
        try:
            self.end(failed=False)
        except SystemExit as end:
            code = int(end.code or 0)
        except Exception as error:  # Snakemake would go on with its jobs
            sentence, code = in_words(error)
            say(*sentence.split("\n"), file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def end(self, failed: bool) -> None:
        """Do the steps that a failed job prevented, print the last lines, send messages, exit unless the code is 0."""
        signal.setitimer(signal.ITIMER_REAL, 0)  # or the alarm may find no handler any more, while Python ends
        code = int(ExitCode.UNFORESEEN)
        try:
            with explained():
                self._end(failed)
            code = int(ExitCode.OK)
        except SystemExit as end:
            code = int(end.code or 0)
            raise
        finally:
            send_messages(self._tick.config, self._tick.files, code)

    def _end(self, failed: bool) -> None:
        tick, files = self._tick, self._tick.files
        self._leave_in_trouble()
        log = files.log("discover")
        if not log.exists() or not log.stat().st_size:  # with --touch Snakemake makes an empty one
            exit_with(_NO_TICK, ExitCode.USAGE)
        if not files.claims.exists() or self._submitter is None:
            sentence = f"the tick ended before it had looked for work, see {log}"
            dump_json(files.trouble, {"sentence": sentence, "exit_code": ExitCode.UNFORESEEN})  # or the disk is full
            self._stop(sentence, ExitCode.UNFORESEEN)
        left = self._interruption or self._submitter.complaint
        unforeseen = ["it was interrupted while jobs ran"] if failed and self._interruption else []
        if failed and not left and self._snakemake.runs_jobs_here:  # of its jobs Slurm has a better reason
            unstarted = tick.record_unstarted(self._snakemake.failed_outputs())
            unforeseen += [f"{unstarted} jobs could not be started, see .snakemake/log"] * bool(unstarted)
        if not files.summary.exists():
            ended = subprocess.run(step_command("publish", files), shell=True, check=False).returncode
            self._leave_in_trouble()
            unforeseen += ["the step that publishes and reports failed"] * (ended != ExitCode.OK)
            if not files.summary.exists():
                self._stop(f"the report could not be written, see {files.folder}", _code_of(ended))
        summary = read_summary(files)
        complaint = self._submitter.complaint
        troubles = [*troubles_of(summary, failed, complaint), *unforeseen]
        news = note_news(troubles, (tick.paths, files), has_event=any(map(is_event, summary.site_errors)))
        code = exit_code(summary, failed, complaint, bool(unforeseen))
        lines = closing_lines(summary, tick.paths, left, self._submitter.batch_system)
        say("", *unforeseen, *lines, *news.lines(code), file=sys.stderr)
        if code:
            sys.exit(code)

    def _leave_in_trouble(self) -> None:
        """Exit if a step of the tick has found that nothing may be done."""
        place = self._tick.files.trouble
        if place.exists():
            trouble = read_json(place)
            self._stop(trouble["sentence"], ExitCode(trouble["exit_code"]))

    def _stop(self, sentence: str, code: ExitCode) -> NoReturn:
        exit_with(with_news(sentence, code, (self._tick.paths, self._tick.files)), code)


def _code_of(ended: int) -> ExitCode:
    """Return the exit code of a step as one of the table's; signals and the codes of other programs are unforeseen."""
    return ExitCode(ended) if ended in set(ExitCode) - {ExitCode.OK} else ExitCode.UNFORESEEN


def in_thread(handler: _Handler) -> _Handler:
    """Return a handler that calls another one in a thread, which can wait for a lock of the interrupted code."""
    return lambda number, frame: threading.Thread(target=handler, args=(number, frame), daemon=True).start()
