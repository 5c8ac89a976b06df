"""Making strax data of the simulation: strax plugins, the data of one run, worker processes.

`plugins` and `strax_data` import strax; `workers` imports it only in the processes it starts.
"""
