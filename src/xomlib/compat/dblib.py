"""The first XOM's access to its database: reads come from the outcomes of the site, writes go into the outcome."""

from pathlib import Path
from typing import Any, Optional

import xomlib
from xomlib.compat import constant
from xomlib.compat.common import refused
from xomlib.errors import ResultsError
from xomlib.job import current
from xomlib.table.outcomes import names_in
from xomlib.table.results import results
from xomlib.table.work_folder import find_work

_STATES = "`xom status` has the states of runs"
_DELETE = "a result goes when its outcome does, by `xom veto` or `xom redo`"


class Xomdb:
    """A measurement of the first XOM.

    Parameters
    ----------
    measurement_name
        Its name; that of results ends with ``xomdata``.
    influxdb_info
        Without effect: jobs use no network.
    """

    def __init__(self, measurement_name: str, influxdb_info: Optional[dict] = None) -> None:
        self.measurement_name = measurement_name
        self.client = None

    def df_query_analysis(
        self, analysis_name: str, analysis_version: Optional[str] = None, xom_version: Optional[str] = None
    ) -> Any:
        """Return the results of an analysis as a table of pandas, of one version or of all.

        Returns
        -------
        pandas.DataFrame
            ``_time`` (start of the run), ``analysis_name``, ``analysis_version``, ``variable_name``,
            ``variable_value``, ``variable_error``, ``runid``; empty if there are none.
        """
        work = self._work()
        known = names_in(work / "outcomes" / analysis_name)
        versions = [one for one in known if analysis_version in (None, one)]
        return self._table([(analysis_name, versions)] if versions else [])

    def df_query_all(self) -> Any:
        """Return the results of all analyses; see `df_query_analysis`."""
        outcomes = self._work() / "outcomes"
        return self._table([(name, names_in(outcomes / name)) for name in names_in(outcomes)])

    def get_runid_list(
        self, analysis_name: str, analysis_version: str = "v0.0", xom_version: Optional[str] = None
    ) -> list:
        """Return the numbers of the runs with results, rising."""
        return sorted(set(self.df_query_analysis(analysis_name, analysis_version).runid.tolist()))

    def get_last_runid_from_analysis(self, analysis_name: str, analysis_version: str = "v0.0") -> int:
        """Return the largest number of a run with results; -1 if there is none."""
        return max(self.get_runid_list(analysis_name, analysis_version), default=-1)

    def get_last_runid(self) -> int:
        """Return the largest number of a run with results of any analysis; -1 if there is none."""
        return max(self.df_query_all().runid.tolist(), default=-1)

    def get_latest_xom_version(self) -> str:
        """Return the version of XOM."""
        return xomlib.__version__

    def insert_record(self, record: Any) -> None:
        """Save records, as `Xomresult.get_result_record` returns them, for the outcome."""
        from xomlib.compat.xomresult import Xomresult

        for one in record if isinstance(record, list) else [record]:
            tags, fields = one["tags"], dict(one["fields"])
            name = tags["variable_name"]
            value = fields.pop(name, fields.pop("variable_value", None))
            Xomresult(
                analysis_name=tags["analysis_name"],
                analysis_version=tags["analysis_version"],
                variable_name=name,
                variable_value=value,
                runid=fields.pop("runid"),
                figure_path=fields.pop("figure_path", None),
                data=fields,
            ).save()

    def df_insert_record(self, df: Any, tag_columns: Any) -> None:
        """Raise `JobError`."""
        raise refused("df_insert_record", "save each result by xomlib.Xomresult(...).save()")

    def delete(self) -> None:
        """Raise `JobError`."""
        raise refused("Xomdb.delete", _DELETE)

    def delete_record(self, p: Any) -> None:
        """Raise `JobError`."""
        raise refused("Xomdb.delete_record", _DELETE)

    def delete_runid(
        self, analysis_name: str, analysis_version: str, runid: int, xom_version: Optional[str] = None
    ) -> None:
        """Raise `JobError`."""
        raise refused("Xomdb.delete_runid", _DELETE)

    def _work(self) -> Path:
        if not self.measurement_name.endswith(constant.DATA):
            raise refused(f"a query of {self.measurement_name}", _STATES)
        return find_work(current().description.site)

    def _table(self, asked: list) -> Any:
        import pandas

        columns = ["_time", "analysis_name", "analysis_version", "variable_name", "variable_value", "variable_error"]
        tables = [pandas.DataFrame(columns=[*columns, "runid"])]
        for name, versions in asked:
            try:
                found = results(name, versions, site=self._work())
            except ResultsError:
                continue
            names = ("start", "version", "variable", "value", "error")
            given = {column: found[one] for column, one in zip([columns[0], *columns[2:]], names)}  # noqa: B905
            tables.append(pandas.DataFrame({**given, "analysis_name": name, "runid": found.run}))
        return pandas.concat(tables[1:], ignore_index=True) if tables[1:] else tables[0]
