"""Analyses that fail alike on many runs: when they are suspended, and what that holds up."""
