"""Messages to people: what is news for each of them, and how it reaches them.

May import: core. Must never decide anything about runs, stop a tick, or write a secret anywhere.
"""
