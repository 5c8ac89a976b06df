"""A stand-in for cutax, which is private: its context is the mini-XENONnT's, its cuts are none.

Only the call is that of the real package, so that scripts written for it run unchanged. Used by tests, nowhere else.
"""

from cutax.contexts import xenonnt_online as xenonnt_online

__version__ = "0.0.0+stand.in"
