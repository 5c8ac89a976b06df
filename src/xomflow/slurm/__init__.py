"""Jobs in Slurm: submit them, watch them, record how they ended.

May import: jobs, storage, outcomes, rundb, config, core. Must never conclude anything from a missing answer: unknown is
not gone.
"""
