"""A checkout whose locks name one small package each, so that installing takes a second and no network."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEAD_INDEX = "http://127.0.0.1:9/simple"
SUPPORTED = ("3.11", "3.12", "3.13")
UV = Path(sys.prefix).parent / "uv"


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a new user: an empty home folder, and a package index that does not answer."""
    home.mkdir(exist_ok=True)
    index = {"PIP_INDEX_URL": DEAD_INDEX, "UV_DEFAULT_INDEX": DEAD_INDEX}
    return {"PATH": os.environ["PATH"], "HOME": str(home), **index, **more}


def interpreters() -> dict[str, str]:
    """The supported interpreters of this machine, by version."""
    found = {}
    for version in SUPPORTED:
        own = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
        for candidate in filter(None, [*map(str, own), shutil.which(f"python{version}")]):
            # A name in PATH may be a shim, with or without an interpreter behind it.
            ask = [candidate, "-c", "import sys; print(sys.executable)"]
            done = subprocess.run(ask, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                found[version] = done.stdout.strip()
    return found


@dataclass
class Checkout:
    """A checkout with a wheelhouse of its own; `make` runs the Makefile in it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> Checkout:
        """Copy what installing needs, and put the small packages into the place of the locked ones."""
        if not (UV / "bin/uv").exists():
            pytest.skip(f"uv is not at {UV}: these tests need environments that `make envs` made")
        root.mkdir()
        for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, root)
        shutil.copytree(ROOT / "envs", root / "envs")
        shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "scripts").mkdir()
        shutil.copy(ROOT / "scripts/lively.sh", root / "scripts")
        (root / "work/envs").mkdir(parents=True)
        (root / "work/envs/uv").symlink_to(UV)
        made = cls(root, clean_environment(root.parent / f"home of {root.name}", WHEELHOUSE="wheelhouse"))
        made.lock("workflow", "1.0")
        made.lock("analysis", "1.0")
        return made

    def lock(self, name: str, version: str) -> None:
        """Let an environment consist of one package of this version."""
        wheel = small_wheel(self.root / "wheelhouse", f"small_{name}", version)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / f"envs/{name}.txt").write_text(f"small-{name}=={version} --hash=sha256:{digest}\n")

    def make(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run ``make`` there."""
        command = ["make", "--no-print-directory", *words]
        environment = {**self.environment, **more}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def made(self, *words: str, **more: str) -> str:
        """Return what a ``make`` prints that has to succeed."""
        done = self.make(*words, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, environment: str, code: str) -> str:
        """Return what one of the environments prints."""
        command = [str(self.root / "work/envs" / environment / "bin/python"), "-c", code]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout.strip()

    def installed(self, environment: str, package: str) -> str:
        """Return the installed version of a package."""
        return self.ask(environment, f"from importlib.metadata import version; print(version({package!r}))")


def small_wheel(folder: Path, name: str, version: str) -> Path:
    """Write the wheel of a package with one empty module."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items())
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
