"""Results as a table, from the outcomes below a ``work`` folder, without a server.

May import: xomlib, and pandas within functions. Must never write below ``work``: it may be a copy or mounted read only.
"""
