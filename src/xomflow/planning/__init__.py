"""Which runs are pending, and why: the pure decisions, and the survey that collects the evidence for them.

May import: slurm, jobs, storage, outcomes, rundb, config, core. Must never write results, and must not import stores
or the page.
"""
