"""Which strax data can be read: one answer for all runs, the same as strax gives for each.

May import: rundb, outcomes, config, core. Must never import strax; it asks the analysis environment through
`xomlib.probe`.
"""
