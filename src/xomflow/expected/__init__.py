"""What is normal: the expected band of each variable from its own history, and the alarms; see ``docs/normal.md``.

May import: outcomes, decisions, config, core. Must never read the clock, or know how page, points and messages look.
"""
