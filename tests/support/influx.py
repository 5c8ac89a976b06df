"""The names of `local_servers.influx`, for scripts that import them from here."""

from local_servers.influx import Bucket, InfluxAccess, InfluxServer

__all__ = ["Bucket", "InfluxAccess", "InfluxServer"]
