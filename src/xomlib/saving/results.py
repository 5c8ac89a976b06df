"""Results, figures and messages of an analysis script, which the outcome gets."""

import re
from typing import Any, Optional

from xomlib.errors import BadResult
from xomlib.files import write_atomically
from xomlib.job import Session, current
from xomlib.printing import WARNING, shortened, shown
from xomlib.saving.pictures import give_palette
from xomlib.saving.plain_values import NotFinite, count, errors, item, number, text

# Keywords of the first XOM that are ignored: the outcome has these from the run database and the configuration.
_FORMER = frozenset(
    ("measurement_name", "container", "tag", "timestamp", "runids", "run_mode", "sr_tag", "daq_comment", "daq_tags")
)
_MOST_PIXELS = 30_000_000
_LONGEST_NAME = 200  # characters
_LONGEST_FILE_NAME = 100
_NAME = f"a line of text without quotes and backslashes, of at most {_LONGEST_NAME} characters,"
_MOST_RESULTS, _MOST_ENTRIES = 2000, 10_000


class Xomresult:
    """One variable of one analysis for one run.

    Parameters
    ----------
    values
        All of the following as one dictionary, as later scripts of the first XOM pass them.
    variable_name
        Name of the variable, unique within the analysis.
    variable_value
        A finite number.
    analysis_name, analysis_version, runid
        May be left out; if given, they must be the job's own.
    data
        More numbers, short texts or truth values that belong to this result (flat). A number that is NaN or infinite is
        left out, with a warning.
    error
        Standard deviation of the value, in its unit, not negative; or a pair ``(down, up)`` if the two sides differ.
    unit
        Unit of the value, such as ``PE/keV``.
    n
        Number of events from which the value was computed.
    limit
        ``"upper"`` or ``"lower"`` if the value is a limit.
    insufficient
        Why there is no number; given instead of ``variable_value``.

    Raises
    ------
    BadResult
        If a keyword is unknown, or analysis, version or run are not the job's own.
    """

    def __init__(self, values: Optional[dict] = None, **keywords: Any) -> None:
        given = {**(values or {}), **keywords}
        session = current()
        known = {"variable_name", "variable_value", "analysis_name", "analysis_version", "runid", "data"}
        known |= {"error", "unit", "n", "limit", "insufficient"}
        for name in given:
            if name not in known | _FORMER:
                raise self._refuse(session, f"Xomresult has no keyword {name!r}")
        self._session = session
        self._check_key(given)
        self.variable_name = given.get("variable_name")
        self.variable_value = given.get("variable_value")
        self.analysis_name = session.key.analysis
        self.analysis_version = session.key.version
        self.runid = session.key.run_number
        self.data = {} if given.get("data") is None else given["data"]
        self.error = given.get("error")
        self.unit = given.get("unit") or ""
        self.n = given.get("n")
        self.limit = given.get("limit")
        self.insufficient = given.get("insufficient")

    def save(self) -> None:
        """Save the result for the outcome.

        Raises
        ------
        BadResult
            If a number is NaN or infinite, if there is neither a number nor a reason why there is none, if the variable
            was saved before, or if a value has the wrong type. The attempt counts as failed, even if the script catches
            the exception.
        """
        session = self._session
        session.check_process(repr(self.variable_name))
        try:
            result = self._as_document()
            if any(other["variable"] == result["variable"] for other in session.results):
                raise BadResult(f"{result['variable']!r} is saved twice")
            if len(session.results) == _MOST_RESULTS:
                raise BadResult(f"more than {_MOST_RESULTS} results: save numbers that belong together as data of one")
        except BadResult as error:
            raise self._refuse(session, str(error)) from None
        session.results.append(result)
        session.keep()

    def xom_message(self, success: bool = True, text: str = "") -> None:
        """Print one line about the success of the analysis, and save it for the outcome; see `xom_message`."""
        xom_message(success, text)

    def _as_document(self) -> dict:
        name = self.variable_name
        if not _is_name(name):
            raise BadResult(f"variable_name is {shown(name)}, {_NAME} is needed")
        value, reason = number(self.variable_value, str(name)), text(self.insufficient, f"{name}: insufficient")
        if (value is None) == (reason is None):
            raise BadResult(f"{name!r} needs either a variable_value or insufficient='why there is none'")
        if not isinstance(self.data, dict):
            raise BadResult(f"{name}: data is {type(self.data).__name__}, a dictionary is needed")
        error, down, up = errors(self.error, f"{name}: error")
        if self.limit not in (None, "upper", "lower"):
            raise BadResult(f"{name}: limit is {self.limit!r}, known are 'upper' and 'lower'")
        return {
            "variable": name,
            "value": value,
            "error": error,
            "unit": shortened(str(self.unit), _LONGEST_NAME),
            "n": count(self.n, f"{name}: n"),
            "limit": self.limit,
            "insufficient": reason,
            "data": self._entries(),
            **({} if down is None else {"error_low": down, "error_high": up}),
        }

    def _entries(self) -> dict:
        """Return the entries of ``data``; one that is no finite number costs itself only."""
        name, data = self.variable_name, {}
        if len(self.data) > _MOST_ENTRIES:
            raise BadResult(f"{name}: data has {len(self.data)} entries, at most {_MOST_ENTRIES} are kept")
        for key in map(str, self.data):
            if not _is_name(key):
                raise BadResult(f"{name}: data has the key {shown(key)}, {_NAME} is needed")
        if len(set(map(str, self.data))) != len(self.data):
            raise BadResult(f"{name}: data has keys that are the same as text: {', '.join(map(repr, self.data))}")
        for key, one in self.data.items():
            try:
                data[str(key)] = item(one, f"{name}: data[{key!r}]")
            except NotFinite as error:
                self._session.messages.append(f"{WARNING}{error}: this entry is left out")
                print(self._session.messages[-1], flush=True)
        return data

    def _check_key(self, given: dict) -> None:
        key = self._session.key
        try:
            run = int(given.get("runid", key.run_number))
            if not isinstance(given.get("runid", ""), str) and run != given["runid"]:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise self._refuse(self._session, f"runid is {given['runid']!r}, a run number is needed") from None
        said = {
            "analysis_name": (given.get("analysis_name", key.analysis), key.analysis),
            "analysis_version": (given.get("analysis_version", key.version), key.version),
            "runid": (run, key.run_number),
        }
        for name, (value, own) in said.items():
            if value != own:
                raise self._refuse(self._session, f"{name} is {value!r}, but this job is for {own!r}")

    @staticmethod
    def _refuse(session: Session, sentence: str) -> BadResult:
        session.check_process(sentence)
        # Saved as well as raised: a script that catches all exceptions must not turn a wrong result into an outcome.
        session.problems.append(sentence)
        session.keep()
        return BadResult(sentence)


def figure(name: str, picture: Any) -> None:
    """Save a figure for the outcome.

    Parameters
    ----------
    name
        At most 100 letters, digits, dashes and underscores; the file is ``<name>.png``.
    picture
        Anything with matplotlib's ``savefig``, or the bytes of a PNG, which are kept as they are.

    Raises
    ------
    BadResult
        If the name has other characters or was used before, or if the figure is none or too large.
    """
    session = current()
    session.check_process(f"figure {name!r}")
    if not isinstance(name, str) or not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{_LONGEST_FILE_NAME}}}", name):
        form = f"at most {_LONGEST_FILE_NAME} letters, digits, dashes and underscores are allowed"
        raise BadResult(f"a figure is named {shortened(repr(name), _LONGEST_NAME)}; {form}")
    file_name = f"{name}.png"
    if file_name in session.figures:
        raise BadResult(f"figure {name!r} is saved twice")
    if not isinstance(picture, bytes) and not hasattr(picture, "savefig"):
        kind = type(picture).__name__
        raise BadResult(f"figure {name!r} is {kind}; a figure of matplotlib or the bytes of a PNG are needed")
    if session.folder is not None:
        with session.writing(session.folder / "figures" / file_name) as path:
            if isinstance(picture, bytes):
                write_atomically(path, picture)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                _check_size(session, name, picture)
                picture.savefig(path)
                give_palette(path)
    session.figures.append(file_name)
    session.keep()


def _check_size(session: Session, name: str, picture: Any) -> None:
    """Raise `BadResult` for a figure of matplotlib that is too large for the memory of the job, and for a page."""
    try:
        width, height = map(float, picture.get_size_inches())
        pixels = width * height * float(picture.dpi) ** 2
    except (AttributeError, TypeError, ValueError):
        return
    if pixels > _MOST_PIXELS:
        sentence = f"figure {name!r} is {width:g} x {height:g} inches, {pixels / 1e6:.0f} million pixels"
        sentence += f"; at most {_MOST_PIXELS // 10**6} million are kept: give figsize in inches"
        session.problems.append(sentence)
        session.keep()
        raise BadResult(sentence)


def xom_message(success: bool = True, text: str = "") -> None:
    """Print one line about the success of the analysis, and save it for the outcome.

    Without success the attempt counts as failed, whatever else is saved.
    """
    session = current()
    key = session.key
    reason = f": {shortened(str(text))}" if text else ""
    line = f"XOM {key.analysis} {key.version} run {key.run}: {'success' if success else 'no success'}{reason}"
    print(line, flush=True)
    session.check_process("a message")
    session.messages.append(line)
    if not success:
        session.problems.append(f"the script reported no success{reason}")
    session.keep()


def _is_name(name: Any) -> bool:
    is_text = isinstance(name, str) and bool(name.strip()) and len(name) <= _LONGEST_NAME
    return is_text and not re.search(r'[\x00-\x1f"\\\ud800-\udfff]', name)
