"""Dashboards and alert rules for Grafana, as a tree of files that Grafana reads at its start (docs/grafana.md).

Everything follows from a `site.Site`: the same facts give the same bytes. Plain functions make the dictionaries that
Grafana reads as JSON, and `flux` and `queries` the texts of its questions to InfluxDB. A file is written if its content
changed.

May import: outcomes, config, core. Must never ask a server, read an account, or write outside its folder.
"""
