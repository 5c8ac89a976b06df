"""Outcomes on disk: their files and names, the document, the cache by shelf, and when a failed attempt is tried again.

May import: config, core. Must never know where results are published or how jobs run.
"""
