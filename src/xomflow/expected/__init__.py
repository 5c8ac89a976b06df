"""What is normal: the expected band of each variable from its own history, and the alarms; see ``docs/normal.md``.

May import: outcomes, decisions, config, core. Must never read the clock, or depend on the form of page, points
and messages.
"""
