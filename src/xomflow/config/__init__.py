"""The configuration: a typed model, loading, the reference page, and how the configured software is started.

May import: core. Must never read results or run documents.
"""
