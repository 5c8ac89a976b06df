"""What the analyses of the muon veto and of the neutron veto share.

`tally` reads the events and hits of a run and makes results of them, `figure` draws.
"""
