"""Outcomes on disk: their files and names, the document, the cache by shelf, and when a failed attempt is retried.

May import: decisions, config, core. Must never depend on where results are published or how jobs run.
"""
