"""Points beside the results, for boards and alerts: what needs attention, what happened, what is expected.

Each is a measurement of its own with one point for each thing that is so now. A tick compares it with the store and
writes and removes what differs; so it needs no ledger, and a store that lost it has it again after the next tick.
"""
