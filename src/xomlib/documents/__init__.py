"""The documents that both environments read: run documents, job descriptions, and outcomes with their published schema.

May import: errors, files and printing. The models of `xomflow` are built on these parsers, so there is one reader of
each form.
"""
