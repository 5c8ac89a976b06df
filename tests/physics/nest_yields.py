"""Yields of NEST against drift field and energy, as JSON; needs nestpy, in an environment of its own."""

import json
import warnings

import nestpy

DENSITY = 2.86  # g/cm3
FIELDS = (15.0, 18.0, 20.0, 21.0, 22.9, 24.0, 25.0, 30.0, 100.0)  # V/cm
APART = {"minTimeSeparation": 999.0, "maxTimeSeparation": 1000.0}  # ns, of both decays; else NEST draws it
ENERGIES = (5.0, 10.0, 20.0, 41.5, 100.0)  # keV


def main() -> None:
    """Print photons and electrons per keV: of the first line of Kr83m by field, of electrons by energy."""
    calculator = nestpy.NESTcalc(nestpy.detectors.VDetector())
    krypton, electrons = {}, {}
    for field in FIELDS:
        first = calculator.GetYieldKr83m(energy=32.1, density=DENSITY, drift_field=field, **APART)
        both = calculator.GetYieldKr83m(energy=41.5, density=DENSITY, drift_field=field, **APART)
        krypton[field] = {"light_32_2": first.PhotonYield / 32.1, "charge_41_6": both.ElectronYield / 41.5}
    for energy in ENERGIES:
        found = calculator.GetYields(interaction=nestpy.beta, energy=energy, density=DENSITY, drift_field=22.9)
        electrons[energy] = {"light": found.PhotonYield / energy, "charge": found.ElectronYield / energy}
    print(json.dumps({"krypton": krypton, "electrons": electrons}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
