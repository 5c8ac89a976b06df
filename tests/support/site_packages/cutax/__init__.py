"""A stand-in for cutax, which is private: its context is the mini-XENONnT's, its cuts are none.

Only the call is that of the real package, so that scripts written for it run unchanged. Used by tests, nowhere else.
"""

import strax

from mini_xenonnt.context import mini_xenonnt

__version__ = "0.0.0+stand.in"


def xenonnt_online(
    output_folder: str = "./strax_data",
    include_rucio_local: bool = False,
    include_rucio_remote: bool = False,
    _rucio_local_path: str | None = None,
    **options: object,
) -> strax.Context:
    """Return a context; ``_rucio_local_path`` is a plain folder of strax data here."""
    assert not include_rucio_remote, "the stand-in reaches no other site"
    st = mini_xenonnt(_rucio_local_path if include_rucio_local else output_folder, **options)
    return st
