"""The run database: run documents from a file or a MongoDB, read into `Run`.

May import: config, core; `xomlib.documents.run_document` parses the documents.
Must never decide which runs are analysed.
"""
