"""The old names of modules: they work for one release, with a warning, so that people's scripts go on.

With the next release delete this module, its two lines in `xomphysics/__init__.py` and its test.
"""

from xomlib import _renamed

MODULES = {
    "xomphysics.attenuation": "xomphysics.fits.attenuation",
    "xomphysics.channels": "xomphysics.pmt_channels",
    "xomphysics.chunks": "xomphysics.reading.chunks",
    "xomphysics.counting": "xomphysics.poisson",
    "xomphysics.decay": "xomphysics.fits.decay",
    "xomphysics.delayed": "xomphysics.photo_ionization",
    "xomphysics.errors": "xomphysics.fits.errors",
    "xomphysics.goodness": "xomphysics.fits.goodness",
    "xomphysics.intervals": "xomphysics.reading.intervals",
    "xomphysics.line": "xomphysics.fits.line",
    "xomphysics.live_time": "xomphysics.reading.live_time",
    "xomphysics.peak_types": "xomphysics.reading.peak_types",
    "xomphysics.scada": "xomphysics.slow_control_client",
    "xomphysics.seconds": "xomphysics.rate_per_second",
    "xomphysics.selection": "xomphysics.reading.selection",
    "xomphysics.series": "xomphysics.time_series",
    "xomphysics.stream": "xomphysics.reading.chunks",
    "xomphysics.veto_detector": "xomphysics.vetoes.tally",
    "xomphysics.veto_figure": "xomphysics.vetoes.figure",
    "xomphysics.vetoes.channels": "xomphysics.pmt_channels",
}
"""Old to new name."""
NAMES = {
    "xomphysics.channels": {"Odd": "OddChannels", "judge": "find_odd_channels", "least_median": "minimum_median"},
    "xomphysics.scada": {"Patience": "RetryPolicy", "Scada": "SlowControlClient"},
    "xomphysics.seconds": {"Seconds": "CountsPerSecond"},
}
"""Old to new names of what such a module holds."""


def install() -> None:
    """Let the old names of modules be imported."""
    _renamed.install(MODULES, NAMES)
