"""What analysts ask for.

May import: what `xomflow.workflow` may. Must never change what a tick decides.
"""
