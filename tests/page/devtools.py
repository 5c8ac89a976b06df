"""Chromium under its own remote control, through a pair of pipes: real time, any size of window, dark or light."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
)


def chromium() -> str | None:
    """Path of a Chromium, or None; the environment variable XOM_CHROMIUM names another one."""
    return os.environ.get("XOM_CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One tab of a browser.

    Parameters
    ----------
    to_browser, from_browser
        File descriptors of the pipes.

    Attributes
    ----------
    events
        What the browser has reported of the tab by itself: method and parameters.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._last, self._rest, self._session = 0, b"", ""
        self._context: str | None = None
        self.events: list[tuple[str, Any]] = []
        self._open()

    def renew(self) -> None:
        """Be a new tab of a new user, of which the browser knows nothing."""
        self._session = ""
        if self._context is not None:
            self.ask("Target.disposeBrowserContext", browserContextId=self._context)
        self._context = self.ask("Target.createBrowserContext")["browserContextId"]
        self._open(browserContextId=self._context, width=1400, height=900)

    def _open(self, **options: Any) -> None:
        target = self.ask("Target.createTarget", url="about:blank", **options)["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._last:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _read(self) -> Any:
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 20)
            if not part:
                raise RuntimeError("the browser is gone")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(message)
        if "method" in told and told.get("sessionId") == self._session:
            self.events.append((told["method"], told["params"]))
        return told

    def open_at_standstill(self, address: str) -> None:
        """Open a page whose clock stands still until `pass_time`."""
        self.ask("Emulation.setVirtualTimePolicy", policy="pause")
        self.ask("Page.navigate", url=address)

    def pass_time(self, seconds: int) -> None:
        """Let so many seconds pass, of a virtual clock that jumps over idle times."""
        policy = {"policy": "pauseIfNetworkFetchesPending", "maxVirtualTimeTaskStarvationCount": 9999}
        over = "Emulation.virtualTimeBudgetExpired"
        before = self.named(over)
        self.ask("Emulation.setVirtualTimePolicy", **policy, budget=1000 * seconds)
        while self.named(over) == before:
            self._read()

    def named(self, *methods: str) -> list[Any]:
        """Return the parameters of the events with these names."""
        return [parameters for method, parameters in self.events if method in methods]

    def look_like(self, width: int, height: int, *, dark: bool = False, media: str = "") -> None:
        """Give the window a size and a colour scheme; ``media`` is ``print`` for paper."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, of a promise that of its end."""
        found = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def open(
        self, address: str, seconds: float = 60, *, waiting: str = "document.documentElement.dataset.ready"
    ) -> float:
        """Open a page of XOM; return after how many seconds it was ready."""
        self.ask("Page.navigate", url="about:blank")
        begin = time.monotonic()
        self.ask("Page.navigate", url=address)
        self.wait(waiting, seconds)
        return time.monotonic() - begin

    def wait(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression is true, and return its value."""
        look = f"const look = () => {{ const found = ({expression}); found ? done(found) : setTimeout(look, 5); }};"
        promise = f"new Promise(done => {{ {look} look(); }})"
        end = time.monotonic() + seconds
        while True:
            try:
                return self.evaluate(promise)
            except RuntimeError:  # the page was about to change
                if time.monotonic() > end:
                    raise

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save what the window shows, or the whole page."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(found["data"]))


@contextlib.contextmanager
def tab() -> Iterator[Tab]:
    """Give a tab of a new browser, which ends with it."""
    to_browser, from_browser = os.pipe(), os.pipe()

    # The browser reads its descriptor 3 and writes its descriptor 4; a shell gives it these.
    redirected = f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", redirected, "bash", str(chromium()), *_SWITCHES, f"--user-data-dir={profile}"],
            stderr=subprocess.DEVNULL,
            pass_fds=(to_browser[0], from_browser[1]),
        )
        try:
            yield Tab(to_browser[1], from_browser[0])
        finally:
            process.terminate()
            process.wait(20)
            for end in (*to_browser, *from_browser):
                os.close(end)
