"""The names of `local_servers.slurm`, for scripts that import them from here."""

from local_servers.slurm import SlurmAccess, SlurmCluster

__all__ = ["SlurmAccess", "SlurmCluster"]
