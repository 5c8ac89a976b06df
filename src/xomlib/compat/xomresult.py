"""Results as scripts of the first XOM give them."""

import json
import re
from pathlib import Path
from typing import Any, Optional

import xomlib
from xomlib import saving
from xomlib.compat.common import construct_filename
from xomlib.files import read_bytes
from xomlib.job import current
from xomlib.printing import WARNING

success_message = "SUCCESSWITHXOM"
error_message = "ERRORWITHXOM"

# Entries that a result of this XOM does not have: figures are saved by themselves, and the lineage is taken down.
_OWN = ("figure_path", "lineage")
_PNG = b"\x89PNG\r\n\x1a\n"


class Xomresult(saving.Xomresult):
    """One variable, given as a dictionary or as keywords; `save` and `write_json` both put it into the outcome.

    Parameters
    ----------
    result_dict
        Entries as of `xomlib.Xomresult`, and these:
    figure_path
        A PNG that the script wrote; the outcome gets it as a figure.
    lineage
        Without effect: XOM takes down what the script reads.
    measurement_name, container, timestamp, tag, runids, run_mode, sr_tag, daq_comment, daq_tags
        Without effect: XOM has them from the run database and the configuration.
    """

    def __init__(self, result_dict: Optional[dict] = None, **keywords: Any) -> None:
        given = {**(result_dict or {}), **keywords}
        self.result_dict = dict(given)
        if hasattr(given.get("timestamp"), "isoformat"):
            self.result_dict["timestamp"] = given["timestamp"].isoformat()
        if plain_name(given.get("analysis_name")) == current().key.analysis:
            del given["analysis_name"]
        super().__init__({name: value for name, value in given.items() if name not in _OWN})
        self.xom_version = xomlib.__version__
        self.measurement_name = given.get("measurement_name")
        for name in (*_OWN, "container", "tag", "run_mode", "sr_tag", "daq_comment", "daq_tags"):
            setattr(self, name, given.get(name))
        self.timestamp = self.result_dict.get("timestamp")
        self._is_saved = False

    def save(self) -> None:
        """Save the result for the outcome, and its figure; a second time does nothing."""
        if self._is_saved:
            return
        super().save()
        self._is_saved = True
        figure_path = self.result_dict.get("figure_path")
        if figure_path:
            _keep_figure(Path(figure_path))

    def write_json(self, folder: str = "") -> None:
        """Save the result for the outcome, and write it as a file for the script itself.

        Parameters
        ----------
        folder
            Where the file goes, with a slash at its end. Only below the working directory one is written: other folders
            may be those of a first XOM that is still in use.
        """
        self.save()
        name = construct_filename(
            self.measurement_name or "", self.analysis_name, self.analysis_version, str(self.variable_name), self.runid
        )
        path = Path(str(folder) + name)
        if Path.cwd() in path.absolute().parents and path.parent.is_dir():
            path.write_text(json.dumps(self.result_dict, default=_plain), encoding="utf-8")

    def get_result_record(self) -> list:
        """Return the result as a record of the first XOM's measurement."""
        tags = {
            "analysis_name": self.analysis_name,
            "analysis_version": self.analysis_version,
            "variable_name": self.variable_name,
            "xom_version": self.xom_version,
            "run_id": self.runid,
        }
        optional = {name: self.result_dict.get(name) for name in ("container", "tag", "sr_tag", "run_mode")}
        fields = {self.variable_name: self.variable_value, "runid": self.runid, **self.data}
        more = {"figure_path": self.result_dict.get("figure_path"), **(self.result_dict.get("lineage") or {})}
        return [
            {
                "measurement": self.measurement_name,
                "tags": {**tags, **{name: value for name, value in optional.items() if value}},
                "fields": {**fields, **{name: value for name, value in more.items() if value}},
                "time": self.timestamp,
            }
        ]

    def save_in_db(self, record: Any = None) -> None:
        """Save the result for the outcome, which XOM publishes."""
        self.save()


def plain_name(name: Any) -> str:
    """Return the name of an analysis as this XOM spells it: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9_]", "_", str(name).strip().lower())


def _keep_figure(path: Path) -> None:
    """Save a picture that the script wrote as a figure of the outcome; one that cannot be kept is a warning."""
    session, name = current(), re.sub(r"[^A-Za-z0-9_-]", "_", path.stem)
    if f"{name}.png" in session.figures:  # several variables share it
        return
    try:
        content = read_bytes(path)
        why = "" if content.startswith(_PNG) else "it is no PNG"
    except OSError as error:
        content, why = b"", f"it cannot be read: {error.strerror}"
    if why:
        session.messages.append(f"{WARNING}figure_path {path} is not kept: {why}")
        print(session.messages[-1], flush=True)
        session.keep()
    else:
        saving.figure(name, content)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
