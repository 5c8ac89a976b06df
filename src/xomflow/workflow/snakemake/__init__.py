"""What Snakemake uses: the object ``xom`` of the rules, the check of rule files, the seam to undocumented parts.

It imports all of `xomflow` but `cli`. Nothing else of `xomflow` imports Snakemake.
"""

import gc

# The modules of Snakemake, and there are many, stay to the end: without this each search for cycles goes through them.
gc.freeze()
# What a tick and a dry-run make besides lasts as long as they do, so Python looks for cycles in it less often than it
# would: 700 new objects are those of one module.
gc.set_threshold(20_000)
