"""Servers on the loopback address for tests and ``make site-demo``: MongoDB's protocol, InfluxDB, Slurm.

``make services`` builds or installs the programs. May import: clients of these servers. Development only: must never be
imported by another package of ``src``.
"""
