"""The workflow's library; `docs/architecture.md` has the map of its sub-packages."""
