"""From outcomes to points of a time series, in files or in InfluxDB.

May import: outcomes, rundb, config, core. Must never decide anything about runs; it writes what the outcomes contain.
"""
