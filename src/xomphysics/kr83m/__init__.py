"""Kr-83m decays: which are selected, what is estimated from them, how it is drawn.

What the analyses of one run and of a campaign share; docs/analyses/kr83m.md has the formulas and the sources.
"""
