"""What people decide on the command line: which keys a decision touches, and the decisions to write.

Everything here only reads; the command writes what was made here, see `write`. It imports all of `xomflow` but `cli`.
"""
