"""Pending work: for each analysis the selected runs that are not done, and their failures.

Finding it reads all run documents and all names of outcomes. What is found is kept by shelf of runs, and found again
only for the shelves whose documents or folders changed, so a tick costs what happened since the last one, however many
runs there are. Deleting what is kept changes nothing but the time that a tick takes.
"""
