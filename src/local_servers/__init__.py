"""Servers on the loopback address, as tests and ``make site-demo`` use them: MongoDB's protocol, InfluxDB, Slurm.

``make services`` builds or installs the programs. Development only: nothing else of the project imports this.
"""
