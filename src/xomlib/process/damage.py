"""Whether a decoded chunk is what was written: a wrong bit may leave a file that decodes to other numbers.

Of the codecs of strax blosc has no checksum. But it writes the same bytes for the same content, in blocks of their own.
So what was decoded is compressed again: if one block alone differs from the file, it was changed after it was written.
A wrong bit that changes the content without changing how it would be compressed is not seen. If more blocks
differ, another version of blosc has written the file, and nothing follows.
"""

import contextlib
import struct
import sys
from pathlib import Path
from typing import Any, Optional

from xomlib.files import read_bytes

# Of larger chunks this costs too much time and memory; they are of peaks and below. In bytes, uncompressed.
LARGEST = 32 * 1024 * 1024
# With fewer blocks, of a megabyte as a rule, it cannot be seen whether the same version of blosc has written them.
_LEAST_BLOCKS = 3
_HEADER = struct.Struct("<4B3I")  # versions, flags, size of an item; bytes, bytes of a block, compressed bytes
_COPIED = 0x2  # a flag: nothing was compressed


def damaged_block(file: Path, data: Any, codec: str) -> Optional[int]:
    """Return the number of the one block of a chunk that is not what was written; None if all is well or unknown.

    Parameters
    ----------
    file
        The chunk.
    data
        What was decoded, an array of numpy.
    codec
        The codec of the chunk.
    """
    if codec != "blosc" or "blosc" not in sys.modules or not 0 < data.nbytes <= LARGEST:
        return None
    with contextlib.suppress(OSError, ValueError, struct.error, TypeError):
        stored = read_bytes(file)
        written = sys.modules["blosc"].compress(data, shuffle=False)  # as strax does
        if stored != written:
            return _only_difference(_blocks(stored), _blocks(written))
    return None


def _only_difference(stored: list, written: list) -> Optional[int]:
    if len(stored) != len(written) or len(stored) < _LEAST_BLOCKS:
        return None
    places = [place for place in range(len(stored)) if stored[place] != written[place]]
    return places[0] if len(places) == 1 else None


def _blocks(content: bytes) -> list:
    """Return the compressed blocks of a buffer of blosc, in order; `ValueError` if it has another form."""
    _, _, flags, _, size, size_of_block, compressed = _HEADER.unpack_from(content)
    if flags & _COPIED or not size_of_block or compressed != len(content):
        raise ValueError("not compressed, or cut")
    number = -(-size // size_of_block)
    starts = struct.unpack_from(f"<{number}I", content, _HEADER.size)
    if list(starts) != sorted(starts):
        raise ValueError("blocks of several threads, in another order")
    ends = [*starts[1:], len(content)]
    return [content[starts[place] : ends[place]] for place in range(number)]
