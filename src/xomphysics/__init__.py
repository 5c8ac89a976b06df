"""Numbers behind the analyses: line fits, counting, cut flows, reading in a stream.

numpy and scipy only, matplotlib for figures. Nothing here knows an analysis or a run but `xomphysics.kr83m`, which two
analyses share.
"""
