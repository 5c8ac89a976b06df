"""Reading a run's data chunk by chunk, and what is selected of them: cuts, intervals, live time, types of peaks.

May import: xomlib, numpy, strax. Must never hold the whole run in memory.
"""
