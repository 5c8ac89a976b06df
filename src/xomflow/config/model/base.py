"""What all blocks of the configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xomflow.config.values import Count


class Model(BaseModel):
    """Base of all blocks: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RunRange(Model):
    """Base of blocks that apply to a range of run numbers."""

    min_run: Count = Field(0, description="First run number.")
    max_run: Count | None = Field(None, description="Last run number; default: no end.")

    @model_validator(mode="after")
    def _ordered(self) -> RunRange:
        if self.max_run is not None and self.max_run < self.min_run:
            raise ValueError(f"max_run is {self.max_run}, less than min_run, which is {self.min_run}")
        return self

    def covers(self, number: int) -> bool:
        """Return whether run ``number`` is in the range."""
        return self.min_run <= number and (self.max_run is None or number <= self.max_run)
