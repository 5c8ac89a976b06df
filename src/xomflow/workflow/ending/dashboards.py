"""Dashboards for Grafana: bring together what they depend on, and write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from xomflow.core.errors import ConfigurationError, XomError
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.grafana.site import Analysis, Bucket, Site, Variable
from xomflow.outcomes.campaigns.groups import Method
from xomflow.outcomes.past.makers import Makers
from xomflow.publishing.boards.expected import Limits
from xomflow.workflow.documents import AnalysisTitle, ReportConfig, VariableTitle


def renew_dashboards(paths: Paths, config: ReportConfig, makers: Callable[[], Mapping[Method, Makers]]) -> list[str]:
    """Write the dashboards that changed, at the end of a tick; return a sentence if that failed.

    Parameters
    ----------
    paths, config
        As of `write_dashboards`.
    makers
        Returns what there are results of; not called where there are no dashboards.
    """
    if config.store.is_local:
        return []
    try:
        write_dashboards(paths, config, makers())
    except XomError:
        return []  # publishing has reported the account that cannot be read
    except OSError as error:
        return [f"the dashboards cannot be written: {error.filename or paths.grafana}: {error.strerror}"]
    return []


def write_dashboards(paths: Paths, config: ReportConfig, makers: Mapping[Method, Makers]) -> list[str]:
    """Write the dashboards that changed; return their paths in the tree.

    Parameters
    ----------
    paths
        Where they go.
    config
        The configuration.
    makers
        What there are results of, by analysis and version.

    Raises
    ------
    ConfigurationError
        If results are not published to a server that Grafana can ask.
    StoreError
        If the account of the store cannot be read.
    """
    if config.store.is_local:
        raise ConfigurationError(
            "store.kind is 'local', and Grafana cannot read its files: dashboards need store.kind 'influxdb'"
        )
    # Where results stay in files, no tick needs these; the client takes 0.3 s.
    from xomflow.grafana.tree import write_tree
    from xomflow.publishing.stores.influx_client import read_credentials

    account = read_credentials(config.store.credentials)
    bucket = Bucket(account["url"], account["org"], account["bucket"])
    return write_tree(paths.grafana, site_of(paths, config, bucket, makers))


def names_without_results(config: ReportConfig, makers: Mapping[Method, Makers]) -> list[str]:
    """Return a sentence for each configured variable that no result of its analysis has; it may be a typing error."""
    found = []
    for analysis, title in config.analyses.items():
        known = makers[analysis, title.version].units if (analysis, title.version) in makers else {}
        for key, names in (("limits", title.limits), ("variables", title.main_variables)):
            found += [
                f"analyses.{analysis}.{key} has '{name}', and no result of {title.version} has this variable: "
                f"correct the name{did_you_mean(name, known)}"
                for name in names
                if known and name not in known
            ]
    return found


def site_of(paths: Paths, config: ReportConfig, bucket: Bucket, makers: Mapping[Method, Makers]) -> Site:
    """Return what the boards depend on."""
    return Site(
        bucket=bucket,
        prefix=config.store.prefix,
        folder=Path(config.grafana.folder or paths.grafana.absolute()),
        interval_s=config.interval_s,
        page_url=config.page_url,
        settings=config.grafana,
        analyses=tuple(
            _analysis(name, one, makers, name not in config.expected.together) for name, one in config.analyses.items()
        ),
    )


def _analysis(name: str, title: AnalysisTitle, makers: Mapping[Method, Makers], has_groups: bool) -> Analysis:
    present = makers[name, title.version].units if (name, title.version) in makers else {}
    others = {
        variable: unit
        for (analysis, _), made in sorted(makers.items())
        for variable, unit in made.units.items()
        if analysis == name and variable not in present
    }
    return Analysis(
        name=name,
        version=title.version,
        title=title.title,
        documentation=title.documentation,
        contact=title.contact,
        variables=_variables(present or others, title),  # a version that was just raised has no results yet
        earlier=_variables(others if present else {}, title),
        has_groups=has_groups,
    )


def _variables(units: Mapping[str, str], title: AnalysisTitle) -> tuple[Variable, ...]:
    """Return variables in the order of a board."""
    first = [name for name in title.main_variables if name in units]

    def one(name: str) -> Variable:
        of = title.limits.get(name, Limits())
        told = title.variables.get(name, VariableTitle())
        return Variable(name, units[name], (of.warn_low, of.warn_high), (of.error_low, of.error_high), *told)

    return tuple(one(name) for name in dict.fromkeys([*first, *units]))
