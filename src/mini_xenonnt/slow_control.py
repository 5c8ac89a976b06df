"""A slow-control server of the mini-XENONnT, with the protocol of straxen's ``SCADAInterface``.

https on the loopback interface, with a certificate made at the start. Readings follow from the truths of the set.
"""

import contextlib
import json
import os
import random
import signal
import ssl
import threading
import time
import urllib.parse
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mini_xenonnt import folder as place
from mini_xenonnt import schedule
from mini_xenonnt.truth import QUANTITIES, evaluate

MOST_VALUES = 35_000
USER, PASSWORD, TOKEN = "shifter", "not a secret: loopback only", "mini-token"
GAP_EVERY = 900
"""Seconds; a parameter with a gap has it at the end of each."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of the slow control: its truth, and the seconds between two readings."""

    truth: str
    period: int


PARAMETERS = {
    "XE1T.CRY_PT101_PCHAMBER_AI.PI": Parameter("chamber_pressure", 10),
    "XE1T.CRY_TT101_PMON.PI": Parameter("xenon_temperature", 7),
    "XE1T.MINI_LM101_LEVEL.PI": Parameter("liquid_level", 10),
}
"""Parameters by the name in the historian; the third is invented."""

Readings = list[dict[str, float]]


class Series:
    """The readings of a set as a function of time; they are reproducible.

    Parameters
    ----------
    folder : Path
        Folder of the set.
    """

    def __init__(self, folder: Path) -> None:
        state = place.read_state(folder)
        if state is None:
            raise place.FolderError(f"{folder}: no runs yet (python -m mini_xenonnt make --output {folder})")
        self._parameters = place.parameters_from_json(state["parameters"])
        taken = [place.taken_from_json(value) for value in state["taken"]]
        self._runs = schedule.plan(self._parameters) + taken
        self._starts = [run.start.timestamp() for run in self._runs]

    def __call__(self, name: str, start: int, end: int) -> Readings:
        """Return the readings of a parameter from start to end (seconds since 1970), both inside."""
        period = PARAMETERS[name].period
        times = range(-(-start // period) * period, end + 1, period)
        return [self._reading(PARAMETERS[name].truth, time) for time in times if not self._missing(name, time)]

    def _reading(self, truth: str, time: int) -> dict[str, float]:
        scatter = random.Random(f"{self._parameters.seed} {truth} {time}").gauss(0.0, 1.0)
        value = self._truth(truth, time) + scatter * self._truth(f"{truth}_noise", time)
        return {"timestampseconds": time, "value": round(value, 6)}

    def _missing(self, name: str, time: int) -> bool:
        gap = f"{PARAMETERS[name].truth}_gap"
        return gap in QUANTITIES and time % GAP_EVERY >= GAP_EVERY - self._truth(gap, time)

    def _truth(self, name: str, time: int) -> float:
        spec = self._parameters.truth.get(name, QUANTITIES[name].default)
        run = self._runs[max(bisect_right(self._starts, time) - 1, 0)]
        return evaluate(name, spec, run.run_id, datetime.fromtimestamp(time, UTC), self._parameters.origin)


class Handler(BaseHTTPRequestHandler):
    """Answers one request from the data of the server."""

    server: "Server"
    timeout = 30  # seconds without data from the client

    def log_message(self, *_: Any) -> None:
        """Log nothing: requests contain names and passwords."""

    def do_POST(self) -> None:
        """Log in."""
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        good = form.get("username") == [USER] and form.get("password") == [PASSWORD]
        self.answer({"token": TOKEN} if good else {"Message": "The user name or password is incorrect."})

    def do_GET(self) -> None:
        """Send the readings of one parameter."""
        query = {
            name: values[0] for name, values in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).items()
        }
        if self.headers.get("Authorization") != TOKEN:
            self.answer({"Message": "Authorization has been denied for this request."}, 401)
            return
        self.answer(self.server.readings(query))

    def answer(self, value: Any, code: int = 200) -> None:
        """Send JSON."""
        content = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """The server, on a free port of the loopback interface, and the files that its clients need.

    Parameters
    ----------
    series : callable
        Takes name, start and end, and returns readings.
    folder : Path
        Folder for the certificate of the authority and the account.
    handler : type
        Class that answers requests.
    """

    daemon_threads = True

    def __init__(self, series: Callable[[str, int, int], Readings], folder: Path, handler: type = Handler) -> None:
        import trustme  # only the server needs it

        super().__init__(("127.0.0.1", 0), handler)
        self._series = series
        self.account = folder / "xenon_config"
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        # The handshake is done in the thread of its request: a silent client does not block the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        folder.mkdir(parents=True, exist_ok=True)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self._write_account(folder)

    def _write_account(self, folder: Path) -> None:
        url = f"https://localhost:{self.server_address[1]}"
        entries = {
            "sclogin_url": f"{url}/login",
            "scdata_url": f"{url}/data?",
            "straxen_username": USER,
            "straxen_password": PASSWORD,
            "ca_file": (folder / "ca.pem").absolute(),
        }
        text = "\n".join(["[scada]", *(f"{name} = {value}" for name, value in entries.items()), ""])
        temporary = self.account.with_suffix(f".{os.getpid()}.tmp")
        private = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(private, "w", encoding="utf-8") as stream:
            stream.write(text)
        temporary.replace(self.account)

    def readings(self, query: dict[str, str]) -> Any:
        """Return the readings of a query, or an error message."""
        try:
            name, start, end = query["name"], int(query["StartDateUnix"]), int(query["EndDateUnix"])
        except (KeyError, ValueError):
            return {"status": "error", "message": "name, StartDateUnix and EndDateUnix are needed"}
        if query.get("QueryType") != "rawbytime":
            return {"status": "error", "message": "this server has raw values only"}
        if name not in PARAMETERS:
            return {"status": "error", "message": f"There is no tag {name}"}
        if start < time.time() - 5 * 365.25 * 86400:
            return {"status": "error", "message": "Data older than 5 years are not available"}
        return self._series(name, start, min(end, start + MOST_VALUES * PARAMETERS[name].period))[:MOST_VALUES]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


def serve(folder: Path, report: Callable[[str], None]) -> None:
    """Serve the readings of the set in a folder until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Server(Series(folder), folder / "slow_control") as server, contextlib.suppress(KeyboardInterrupt):
        report(f"slow control at https://localhost:{server.server_address[1]}, account in {server.account}")
        server.serve_forever()


def serve_in_thread(server: Server) -> threading.Thread:
    """Serve in a thread; `server.shutdown()` ends it."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    return thread
