"""Messages to people: what a tick, the watch and the digest have to tell, and the processes that tell it.

May import: everything but cli. Must never change the exit code of a tick, or keep it for long.
"""
