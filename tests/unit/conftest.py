"""Settings and fixtures of the unit tests."""

import pytest
from hypothesis import HealthCheck, settings

from support.in_process import FastSite
from support.typed import Console

# Machines that run tests may be loaded: slowness is not what these tests are about.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")


@pytest.fixture
def console(site: FastSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Console:
    """A person who types commands at an empty site."""
    return Console(site, capsys, monkeypatch)
