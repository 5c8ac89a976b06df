"""What the detectors would record: signals of decays, background and single electrons, hits of the vetoes.

Pure functions of a truth and a random generator; numpy only.
"""
