"""The blocks ``context``, ``software`` and ``warm_start``: what starts analyses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from xomflow.config.model.base import Model, RunRange
from xomflow.config.software import Program
from xomflow.config.values import FunctionName, Positive, PositiveDuration, length


class Context(Model):
    """The strax context, for finding out which data can be read, and for the analyses."""

    function: FunctionName = Field(description="`module:function` that returns the context.")
    arguments: dict[str, Any] = Field({}, description="Keyword arguments of the function.")
    storage: list[str] = Field([], description="More folders with strax data (`strax.DataDirectory`), read only.")


class Software(RunRange):
    """The software that runs the analyses of a range of runs: an interpreter, an image, or a set-up file."""

    interpreter: Path = Field(
        Path("python3"),
        description="Python interpreter with strax, straxen and all modules that the analyses import; with `image` the "
        "one in the image, with `set_up` the one that the file puts on the PATH.",
    )
    image: Path | None = Field(None, description="Image of apptainer or singularity to run it in.")
    binds: list[str] = Field(
        [],
        description="For `image`: folders visible in it beside the project and the working directory; as `--bind`.",
    )
    launcher: str = Field("apptainer", description="For `image`: the command that starts it, such as `singularity`.")
    set_up: Path | None = Field(None, description="Shell file to source first, such as one on cvmfs.")
    context: Context | None = Field(
        None, description="Context for these runs, except for analyses with their own; default: the common one."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Software:
        if self.image and self.set_up:
            raise ValueError("image and set_up exclude each other")
        if not self.image and self.binds:
            raise ValueError("binds are for an image, and there is none")
        if not (self.image or self.set_up or "interpreter" in self.model_fields_set):
            raise ValueError("an interpreter, an image or a set_up is needed")
        return self

    @property
    def kind(self) -> Literal["image", "set_up", "interpreter"]:
        """The key of this block that names what is started."""
        return "image" if self.image else "set_up" if self.set_up else "interpreter"

    @property
    def program(self) -> Program:
        """The program that is started."""
        image, set_up = (str(place.expanduser().absolute()) if place else "" for place in (self.image, self.set_up))
        return Program(self.interpreter, image, tuple(self.binds), self.launcher, set_up)


class WarmStart(Model):
    """Warm start: one process per software imports the heavy libraries once and forks a child for every run."""

    enabled: bool = Field(True, strict=True, description="Whether it is used.")
    least_jobs: Positive = Field(2, description="Least number of runs in a tick for which it is used.")
    preload: list[str] = Field(["straxen"], description="Modules that are imported, beside the module of the context.")
    idle: PositiveDuration = Field(length("60 s"), description="Time without a run after which the process ends.")
