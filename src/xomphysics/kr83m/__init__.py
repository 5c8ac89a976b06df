"""Kr-83m decays: selection, estimates, results and figure.

The analyses of one run and of a campaign share it; docs/analyses/kr83m.md has the formulas and the sources.
"""
