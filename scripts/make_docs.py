"""Write what is generated from the typed models: two files in docs/, and the schema of outcomes in src/xomlib/."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from xomflow.config.reference import page_text, schema_text
from xomflow.core.paths import CONFIGURATION_PAGE, CONFIGURATION_SCHEMA
from xomflow.outcomes import published_schema

INTRODUCTION = """
# The configuration

`config.yaml` in the project's folder is the configuration of the site. `make docs` generates this page and
`config.schema.json`, with which editors complete and check the file, from one typed model in
`src/xomflow/config/model/`. Do not edit them.

- Relative paths begin at the folder in which Snakemake is started, which is the project's.
- A length of time is a number and one of `s`, `min`, `h`, `d`, such as `10 min` or `1.5 d`.
- An error in the configuration ends a tick before it does anything, with exit code 3 and one line for each error: file,
  key, value, and the nearest known key where there is one.
- Numbers are plain decimal (`52601`, `-1.5`, `1.0e-3`), truth values `true` and `false`, nothing is empty, `null` or
  `~`. What YAML reads otherwise than it looks (`052601`, `1_000`, `1:40`, `1e-3`, `no`, dates) is refused unless it is
  in quotes, which make a text of it.
- Snakemake's own `--config` overrides single keys for one tick, by the same rules:
  `snakemake -n --config max_jobs_per_tick=1000 'selection={min_run: 52601}'`.
"""


def main() -> int:
    """Write the files and print which of them changed."""
    for path, text in (
        (CONFIGURATION_SCHEMA, schema_text()),
        (CONFIGURATION_PAGE, page_text(INTRODUCTION)),
        (published_schema.SCHEMA_FILE, published_schema.schema_text()),
    ):
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        if changed:
            path.write_text(text, encoding="utf-8")
        print(f"{path}: {'written' if changed else 'as it was'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
