"""Results once more, in the measurement and under the names of the first XOM, so that its panels go on.

``store.mirror: xomdata`` makes it a store of its own beside the configured one, with its own ledger: whatever
publishes, compares, removes or fills a store does so with the mirror too.
"""
