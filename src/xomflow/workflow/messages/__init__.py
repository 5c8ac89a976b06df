"""Messages to people: the content of those of a tick, the watch and the digest, and the processes that send them.

May import: everything but cli. Must never change the exit code of a tick, or keep it for long.
"""
