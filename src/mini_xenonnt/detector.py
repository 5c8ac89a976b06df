"""Constants of the simulated detector: geometry, drift field, gains, and the values that straxen uses for them.

Lengths are in cm, times in ns, areas in photoelectrons (PE), energies in keV.
"""

RADIUS = 66.4
"""Radius of the sensitive volume."""
HEIGHT = 148.0
"""Depth of the sensitive volume below the gate."""
CATHODE_SPREAD = 0.3
"""Standard deviation of the cathode's depth over the plane, as a field that is not uniform makes it appear."""
DRIFT_VELOCITY = 6.75e-5
"""Electron drift velocity, cm/ns, that straxen takes for all runs."""
GATE_DRIFT_TIME = 1700.0
"""Drift time from the gate to the liquid surface."""
MAX_DRIFT_TIME = GATE_DRIFT_TIME + HEIGHT / DRIFT_VELOCITY
"""Drift time from the bottom of the sensitive volume."""
LONGITUDINAL_DIFFUSION = 4.56e-8
"""Longitudinal diffusion constant, cm^2/ns (45.6 cm^2/s)."""
EVENT_LENGTH = 5_000_000
"""No signal of an event is later than this after its interaction: maximum drift time and delayed electrons."""

N_PMTS = 494
N_TOP_PMTS = 253
NV_CHANNELS = (2000, 2119)
MV_CHANNELS = (1000, 1083)

WORK_FUNCTION = 13.7e-3
"""keV per quantum."""
G1 = 0.1515
"""PE per photon (XENONnT SR0)."""
G2 = 16.45
"""PE per electron leaving the interaction (XENONnT SR0)."""
SINGLE_ELECTRON_GAIN = 31.2
"""PE per extracted electron."""
NOMINAL_LIFETIME = 15e6
"""The electron lifetime by which straxen corrects every run, whatever the truth of that run."""

KR_HALF_LIFE = 156.94
"""Half-life of the 9.4 keV state of Kr83m."""
KR_ENERGY_FIRST = 32.1516
KR_ENERGY_SECOND = 9.4057
KR_ENERGY = KR_ENERGY_FIRST + KR_ENERGY_SECOND

RN222_ENERGY = 5489.48
PO218_ENERGY = 6002.35
"""Of the alphas of Rn-222 and Po-218."""

BACKGROUND_ENERGY_MIN = 2.0
BACKGROUND_ENERGY_MAX = 200.0
