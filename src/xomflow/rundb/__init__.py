"""The run database: run documents from a file or a MongoDB, read into `Run`.

May import: config, core; the parser of documents is `xomlib.run_document`. Must never decide which runs are analysed.
"""
