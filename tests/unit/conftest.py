"""Settings of the unit tests."""

from hypothesis import HealthCheck, settings

# Machines that run tests may be loaded: slowness is not what these tests are about.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
