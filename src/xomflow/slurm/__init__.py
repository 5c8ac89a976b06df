"""Jobs in Slurm: submit, watch, settle.

May import: jobs, storage, outcomes, rundb, config, core. Must never conclude anything from silence: unknown is not
gone.
"""
