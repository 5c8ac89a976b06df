"""A year of a site in minutes: the real decisions, a fake clock, a fake Slurm, and no files.

`clock` has the events, `cluster` the fake Slurm, `runs` what the detector and its operators do, `site` the ticks, and
`figures` what came of it. ``benchmarks/simulate_year.py`` prints a year; the tests assert what must hold in any.
"""
