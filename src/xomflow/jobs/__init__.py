"""Run one analysis for one run: the lock, the process, and exactly one file about how it ended.

May import: outcomes, rundb, config, core. Must never use Slurm, or depend on other runs.
"""
