"""The commands that a person types, one module for each group of them; each lists its commands.

A command reads its options and calls `workflow`. What it prints has one form for all of them, see
`xomflow.cli.conventions` and `xomflow.cli.table`.
"""
