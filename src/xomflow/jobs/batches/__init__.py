"""Batches: several runs of a tick that share one job of the batch system."""
