"""Outcomes of several runs: which of them are current, and what changed about that."""
