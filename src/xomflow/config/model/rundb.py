"""The block ``rundb``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from xomflow.config.model.base import Model
from xomflow.config.values import PositiveDuration, length


class RunDB(Model):
    """Where the run documents come from."""

    kind: Literal["file", "mongodb"] = Field(description="A file of documents, or a MongoDB server.")
    file: Path | None = Field(
        None, description="For `file`: run documents as `mongoexport` writes them, one JSON document a line."
    )
    credentials: Path | None = Field(
        None,
        description="For `mongodb`: file with the section `[RunDB]` (`xent_url`, `xent_user`, `xent_password`, "
        "`xent_database`) or with one line `mongodb://user:password@host/database`, readable by its owner only; "
        "default: `$XENON_CONFIG`, else `~/.xenon_config`.",
    )
    collection: str = Field("runs", description="For `mongodb`: name of the collection.")
    timeout: PositiveDuration = Field(length("5 s"), description="For `mongodb`: longest wait for the server.")
    read_limit: PositiveDuration = Field(
        length("60 s"), description="For `mongodb`: longest time for reading all documents."
    )
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] = Field(
        "secondaryPreferred",
        description="For `mongodb`: server of a replica set that is asked, unless `credentials` sets it.",
    )

    @model_validator(mode="after")
    def _complete(self) -> RunDB:
        if self.kind == "file" and self.file is None:
            raise ValueError("kind is 'file', so file must name the file of run documents")
        return self
