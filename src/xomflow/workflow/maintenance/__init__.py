"""Maintenance of a drained site: an analysis gets another name, or is taken out.

Each begins with a note (`core.files.maintenance`), does steps that may be repeated, and ends with removing the note.
After a kill at any step the same command finishes it, and nothing else happens before.
"""
