"""Examine a site, whatever is wrong with it: each check is one line with what to do, and none of them stops another.

A check looks at one thing and yields what it found. It may raise any error and may hang: `examine` waits for each no
longer than its deadline.
"""
