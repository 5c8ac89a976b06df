"""Code that the shipped analyses share: reading data, selections, counts, fits and figures.

`chunks`, `selection`, `intervals`, `live_time` and `peak_types` read and select; `poisson`, `rate_per_second`,
`quantiles`, `time_series` and `fits` estimate; `quality`, `settings` and `figures` serve every analysis. Two analyses
each share `kr83m` and `vetoes`;
`photo_ionization` and `slow_control_client` belong to one.

May import: xomlib, numpy, scipy, matplotlib, strax. Must never import xomflow, or packages that are not in the
analysis environment.
"""

from xomphysics import _renamed

_renamed.install()
