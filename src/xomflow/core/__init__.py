"""What every sub-package uses: the key, paths, times, errors, locks, states, help for messages.

May import: xomlib only. Must never read or write a result, or import another sub-package.
"""
