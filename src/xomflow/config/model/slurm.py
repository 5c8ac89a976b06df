"""The block ``slurm``."""

from __future__ import annotations

from pydantic import Field

from xomflow.config.model.base import Model
from xomflow.config.values import Count, Duration, Positive, PositiveDuration, SbatchOption, length


class SlurmOptions(Model):
    """Options with which a job is submitted, beside its memory and time."""

    account: str | None = Field(None, description="Account; default: that of Slurm.")
    partition: str | None = Field(None, description="Partition; default: that of Slurm.")
    qos: str | None = Field(None, description="Quality of service; default: that of Slurm.")
    options: list[SbatchOption] = Field([], description="More options of `sbatch`, such as `--constraint=skylake`.")


class Batches(Model):
    """Batches: many runs share one job in Slurm, which starts the heavy libraries once."""

    target: PositiveDuration = Field(
        length("30 min"), description="Expected length of such a job, from the times of the newest outcomes."
    )
    most: Positive = Field(500, description="Most runs in one job; with 1 each run is a job.")
    alone: Count = Field(12, description="A tick that takes no more runs than this submits each as a job.")
    cpus: Positive = Field(
        1, description="CPUs of such a job; it works on as many runs at a time as their threads allow."
    )
    memory_mb: Count = Field(
        400, description="Memory requested for the preloaded process, beside that of its runs, in megabytes."
    )


class Slurm(SlurmOptions):
    """Jobs in Slurm, used with `snakemake --profile slurm`."""

    tick_limit: PositiveDuration = Field(
        length("45 min"),
        description="Time after which a tick ends; its running jobs go on, and a later tick takes up their results.",
    )
    patience: Duration = Field(
        length("2 min"), description="Time for which Slurm may refuse jobs before a tick that has no other jobs ends."
    )
    latency: Duration = Field(
        length("60 s"), description="Time after the end of a job in which its files may not be visible here yet."
    )
    nice_if_old: Count = Field(
        1000,
        description="`--nice` of the jobs of old runs (`old_after`), so that newer ones start first; 0: none.",
    )
    memory_margin_mb: Count = Field(
        300,
        description="Memory requested beyond `memory_mb`, for the runner and for mapped files, in megabytes.",
    )
    batch: Batches = Field(Batches(), description="Many runs in one job.")
