"""straxen's online context as it is at other hosts, and with storage that XOM does not know."""

import socket
from typing import Any

import straxen


class OwnRegistry(straxen.RunDB):
    """Storage of an unknown kind, whatever it is derived from."""


def online(host: str = "", **arguments: Any) -> Any:
    """Return straxen's online context as it is at a host."""
    if host:
        socket.getfqdn = lambda name="": host
    return straxen.contexts.xenonnt_online(**arguments)


def unknown(**arguments: Any) -> Any:
    """Return straxen's online context with a run database of another kind."""
    st = online(**arguments)
    st.storage = [
        OwnRegistry(readonly=True, runid_field="number") if type(one) is straxen.RunDB else one for one in st.storage
    ]
    return st
