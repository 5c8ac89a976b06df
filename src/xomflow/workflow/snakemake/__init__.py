"""What Snakemake uses: the object ``xom`` of the rules, the check of rule files, the seam to undocumented parts.

It imports all of `xomflow` but `cli`. Nothing else of `xomflow` imports Snakemake.
"""

import gc

# The modules of Snakemake, and there are many, stay to the end: without this each search for cycles goes through them.
gc.freeze()
