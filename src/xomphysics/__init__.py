"""Code that the shipped analyses share: reading data, selections, counts, fits and figures.

`reading` reads chunk by chunk and selects; `poisson`, `rate_per_second`, `quantiles`, `time_series` and `fits`
estimate; `pmt_channels` finds silent and loud channels; `quality`, `settings` and `figures` serve every analysis. Two
analyses each share `kr83m` and `vetoes`; `photo_ionization` belongs to one, as do `slow_control_client` and the account
that it uses (`slow_control_account`).

May import: xomlib, numpy, scipy, matplotlib, strax. Must never import xomflow, or packages that are not in the
analysis environment.
"""

from xomphysics import _renamed

_renamed.install()
