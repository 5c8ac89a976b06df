"""The names of `local_servers.find`, for scripts that import them from here."""

from local_servers.find import NoServerError, built, program

__all__ = ["NoServerError", "built", "program"]
