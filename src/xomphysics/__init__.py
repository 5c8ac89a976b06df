"""What the shipped analyses share: reading data, selections, counts, fits and figures; numpy, scipy and matplotlib.

`chunks`, `selection` and `intervals` read and select; `poisson`, `rate_per_second`, `quantiles`, `time_series` and
`fits` estimate; `quality`, `settings` and `figures` serve every analysis. `kr83m` and `vetoes` are shared by two
analyses each, `photo_ionization` and `slow_control_client` belong to one.
"""

from xomphysics import _renamed

_renamed.install()
