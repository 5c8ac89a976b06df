"""Numbers behind the analyses: line fits, counting, cut flows, reading in a stream.

numpy and scipy only (matplotlib in `xomphysics.figures`); nothing here knows an analysis or a run.
"""
