"""The process that runs an analysis script: how it is started, what limits it, what it reads, how it ended.

It imports the standard library and the other modules of `xomlib`; strax only once the script has imported it.
"""
