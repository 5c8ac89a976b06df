"""What people ask of a site outside a tick: why a run is where it is, one job by hand, a mass change, a full store.

It imports all of `xomflow` but `cli`. It never claims a run.
"""
