"""Files: locks, marks, kept JSON, secrets, the layout of ``work``.

It imports the other modules of `xomflow.core`. It never decides anything about runs.
"""
