"""The contexts of the stand-in, where the real package has them too."""

import strax

from mini_xenonnt.context import mini_xenonnt


def xenonnt_online(
    output_folder: str = "./strax_data",
    include_rucio_local: bool = False,
    include_rucio_remote: bool = False,
    _rucio_local_path: str | None = None,
    **options: object,
) -> strax.Context:
    """Return a context; ``_rucio_local_path`` is a plain folder of strax data here."""
    assert not include_rucio_remote, "the stand-in reaches no other site"
    return mini_xenonnt(_rucio_local_path if include_rucio_local else output_folder, **options)
