"""The workflow's library; `docs/architecture.md` has the map of its sub-packages.

May import: xomlib, and what the workflow environment has. Must never import strax, nor xomphysics or mini_xenonnt,
which need it.
"""
