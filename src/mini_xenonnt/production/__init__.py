"""Making strax data of the simulation: the data of one run, worker processes.

`strax_data` imports strax; `workers` imports it only in the processes it starts.
"""
