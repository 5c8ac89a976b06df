"""Reports of a period for people: the digest of a day as plain text, the report of a week as one HTML file.

May import: outcomes, core. Must never read or write a file: each report is a function of the facts of its period.
"""
