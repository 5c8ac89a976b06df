"""Which runs an analysis takes, and which of them belong together.

It imports what `xomflow.planning` may import, and nothing else of it. It never looks at outcomes, locks or data.
"""
