"""How long tests wait for what must come: on a machine that is busy with other work everything takes long."""

PATIENCE = 400.0
"""Seconds; only what hangs takes so long."""
