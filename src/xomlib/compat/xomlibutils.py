"""Helpers of the first XOM that its scripts call.

Those by which its manager submitted and watched jobs raise `JobError`: ticks do that now.
"""

import functools
import json
import logging
import os
import sys
import time
from datetime import datetime, timedelta
from typing import Any, Callable, Optional

from xomlib.compat import constant
from xomlib.compat.common import construct_filename as construct_filename  # one of its names
from xomlib.compat.common import refused


def connect_db(dbname: str) -> Any:
    """Return the results of a measurement of the first XOM; see `xomlib.compat.dblib.Xomdb`."""
    from xomlib.compat.dblib import Xomdb

    return Xomdb(dbname)


def connect_dbs(prefix: str = "") -> list:
    """Return `connect_db` of all its measurements."""
    return [connect_db(prefix + name) for name in constant.list_of_db]


def read_json(filename: str) -> Any:
    """Return the content of a file of JSON."""
    with open(filename, encoding="utf-8") as file:
        return json.load(file)


load_result_json = read_json


def search_in_file(filename: str, to_search: str) -> bool:
    """Return whether a file contains a text."""
    with open(filename, encoding="utf-8") as file:
        return to_search in file.read()


# --- data -------------------------------------------------------------------------------------------------------------
def load_straxen() -> Any:
    """Return the context of the configuration, in which the data are looked for; it is read-only."""
    from xomlib.context import context

    return context()


def get_container(run_id: int, tool_config: dict) -> Optional[str]:
    """Return the first container whose range of runs has a run; a range that ends with 0 has no end."""
    for name, limits in tool_config["container_dict"].items():
        if limits["from"] <= run_id and (limits["to"] == 0 or run_id <= limits["to"]):
            return name
    return None


def get_container_from_env() -> str:
    """Return the container that has the name of the conda environment."""
    return os.environ.get("CONDA_DEFAULT_ENV", "").lower().strip().replace("_", "-") + ".simg"


def get_from_config(xomconfig: Any, analysis_name: str, item_to_return: str) -> Any:
    """Return an entry of an analysis in a configuration of the first XOM; empty if it has none."""
    if not xomconfig.has_option(analysis_name, item_to_return):
        return ""
    value = xomconfig.get(analysis_name, item_to_return)
    lists = ("exclude_tags", "include_tags", "container", "available_type", "run_mode")
    return value.split(",") if item_to_return in lists else value


# --- time and run -----------------------------------------------------------------------------------------------------
def get_time_stamp(timezone: str = "UTC") -> datetime:
    """Return the present time in a time zone."""
    return datetime.now(_zone(timezone))


def get_daq_run_ts(runid: int) -> datetime:
    """Return the end of the run that is analysed; `JobError` for another run."""
    from xomlib.job import current, run

    end = run()["end"] if int(runid) == current().key.run_number else None
    if end is None:
        raise refused(f"get_daq_run_ts({runid})", "xomlib.run() has the run that is analysed")
    return datetime.fromisoformat(end.replace("Z", "+00:00"))


def get_delta_days(date: datetime, computing_tz: str) -> int:
    """Return the whole days from now to a date; negative for one that is past."""
    return (date - datetime.now(_zone(computing_tz))) // timedelta(days=1)


def timer(func: Callable) -> Callable:
    """Return a function that prints how long it took."""

    @functools.wraps(func)
    def timed(*arguments: Any, **keywords: Any) -> Any:
        begun = time.perf_counter()
        try:
            return func(*arguments, **keywords)
        finally:
            print(f"{func.__name__} took {time.perf_counter() - begun:.4f} s")

    return timed


def sleep(delay: float, message: str = "") -> None:
    """Wait so many seconds."""
    print(f"waiting for {delay} s {message}".rstrip(), flush=True)
    time.sleep(delay)


mysleep = sleep


def get_logger(name: str, log_folder: str = "") -> logging.Logger:
    """Return a logger that writes into the log of the attempt, which XOM keeps; the folder has no effect."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
    return logger


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


# --- what ticks do now ------------------------------------------------------------------------------------------------
def _belongs_to_ticks(name: str, instead: str) -> Callable:
    def call(*arguments: Any, **keywords: Any) -> Any:
        raise refused(name, instead)

    call.__name__, call.__doc__ = name, f"Raise `JobError`: {instead}."
    return call


_RUNS = "xomlib.run() has the run that is analysed, and jobs ask no run database"
_JOBS = "ticks submit and watch jobs"
get_rundb_collection = _belongs_to_ticks("get_rundb_collection", _RUNS)
get_last_rundb = _belongs_to_ticks("get_last_rundb", _RUNS)
wait_for_slot = _belongs_to_ticks("wait_for_slot", _JOBS)
check_jobs = _belongs_to_ticks("check_jobs", _JOBS)
remove_file = _belongs_to_ticks("remove_file", "the working directory is removed by itself")
empty_directory = _belongs_to_ticks("empty_directory", "the working directory is removed by itself")
get_analysis_config = _belongs_to_ticks("get_analysis_config", "xomlib.settings() has the settings of the analysis")
