"""Which runs are pending, and why: the pure decisions, and the survey that collects what they need.

May import: slurm, jobs, storage, outcomes, rundb, config, core. Must never write results, or know stores and the
page.
"""
