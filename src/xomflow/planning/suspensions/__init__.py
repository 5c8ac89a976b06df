"""Analyses that fail in the same way on many runs: when they are suspended, and what that holds up."""
