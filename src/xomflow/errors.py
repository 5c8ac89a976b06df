"""Errors that a user has to act on, and the exit codes that tell them apart."""

EXIT_FAILED = 1
EXIT_CONFIGURATION = 3
EXIT_RUNDB = 4
EXIT_SLURM = 5


class XomError(Exception):
    """An error with one clear sentence for the user."""

    exit_code = EXIT_FAILED


class ConfigurationError(XomError):
    """The configuration is wrong; the sentence says where, what, and what was meant."""

    exit_code = EXIT_CONFIGURATION


class RunDBError(XomError):
    """The run database cannot be asked."""

    exit_code = EXIT_RUNDB


class SlurmError(XomError):
    """Slurm does not answer, or does not take a job."""

    exit_code = EXIT_SLURM


class ContextError(XomError):
    """A strax context cannot be built or asked under the configured software."""

    exit_code = EXIT_CONFIGURATION
