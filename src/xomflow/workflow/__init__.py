"""One tick: the answers to Snakemake's questions, discovery, run lists, the summary, the exit code.

May import: everything but cli. Must never decide the state of a run; `planning` does this.
"""
