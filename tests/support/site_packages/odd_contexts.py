"""Contexts of the mini-XENONnT with unusual storage."""

import strax

from mini_xenonnt.context import mini_xenonnt


class OwnDirectory(strax.DataDirectory):
    """Storage that XOM does not know; only strax can say what it has."""


def taking(first: str, second: str) -> strax.Context:
    """Two folders, neither of which has all types."""
    st = mini_xenonnt(first)
    st.storage = [
        strax.DataDirectory(first, readonly=True, take_only=("event_info", "peak_basics"), exclude="peak_basics"),
        strax.DataDirectory(second, readonly=True, exclude=("event_info", "event_basics")),
    ]
    return st


def unknown(folder: str) -> strax.Context:
    """Storage of an unknown kind."""
    st = mini_xenonnt(folder)
    st.storage = [OwnDirectory(folder, readonly=True)]
    return st


def mixed(first: str, second: str) -> strax.Context:
    """A folder for some types, storage of an unknown kind for all."""
    st = mini_xenonnt(first)
    st.storage = [
        strax.DataDirectory(first, readonly=True, take_only="event_info"),
        OwnDirectory(second, readonly=True),
    ]
    return st


def other_light_yield(folder: str) -> strax.Context:
    """A context of another calibration: what depends on it has another lineage."""
    st = mini_xenonnt(folder)
    st.set_config({"g1": 2 * st.config["g1"]})
    return st
