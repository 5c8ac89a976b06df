"""Limits of a process."""

import resource


def limit_memory(megabytes: int) -> None:
    """Let allocations beyond ``megabytes`` fail in this process (0: no limit); a lower limit of the system stays."""
    if megabytes:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = megabytes * 2**20
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
