"""Whether the process at the other end of a Unix socket belongs to this user."""

import os
import socket
import struct

_FORM = "3i"  # process, user and group


def is_own_user(connection: socket.socket) -> bool:
    """Return whether the process at the other end of a Unix socket belongs to the user of this one.

    Where the system has no answer (macOS), it is taken as such: the socket is in a folder of this user alone.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    raw = connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize(_FORM))
    user: int = struct.unpack(_FORM, raw)[1]
    return user == os.geteuid()
