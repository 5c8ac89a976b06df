"""How many results in each cell of the grid are far off and not flagged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xomphysics.poisson import poisson_upper_limit

if TYPE_CHECKING:
    from study import Row, Scenario

CELL, POOLED = 0.01, 0.005  # highest upper limits (95 %) of the share that is off and not flagged
_HEAD = "| truth | numbers | none | flagged | off | share | upper limit | worst mean | worst width | code | |"
_TOGETHER = "**all together**"
JUDGED = 1000  # numbers from which on a cell is judged by itself


@dataclass(frozen=True)
class Cell:
    """Results with one kind of truth: given, unflagged, and unflagged and off by more than 3 sigma; the worst pulls.

    ``code`` is the digest of the code that made them.
    """

    name: str
    what: str
    numbers: int
    without: int
    good: int
    off: int
    mean: float
    width: float
    code: str = ""

    @property
    def limit(self) -> float:
        """Upper limit (95 %) of the share that is off and not flagged."""
        return poisson_upper_limit(self.off, 0.95) / max(self.numbers, 1)

    @property
    def ok(self) -> bool:
        """Whether few enough are off; a cell of few numbers counts only with the others."""
        return self.numbers < JUDGED or self.limit < CELL


def cells(rows: Sequence["Row"], scenarios: Mapping[str, "Scenario"], prefix: str = "") -> list[Cell]:
    """Add the rows of each cell, whose name may get a prefix."""
    found = []
    for name, scenario in scenarios.items():
        own = [row for row in rows if row.scenario == name]
        means = [row.mean for row in own if row.mean is not None and row.good > 30]
        widths = [row.width for row in own if row.width is not None and row.good > 30]
        found.append(
            Cell(
                name=prefix + name,
                what=scenario.what,
                numbers=sum(row.numbers for row in own),
                without=sum(row.without for row in own),
                good=sum(row.good for row in own),
                off=sum(row.off for row in own),
                mean=max(means, key=abs, default=0.0),
                width=max(widths, key=lambda width: abs(width - 1), default=1.0),
            )
        )
    return [cell for cell in found if cell.numbers]


def together(every: Sequence[Cell]) -> Cell:
    """Return all cells as one."""
    sums = {key: sum(getattr(cell, key) for cell in every) for key in ("numbers", "without", "good", "off")}
    return Cell(name=_TOGETHER, what="", mean=0.0, width=1.0, **sums)


def grid_table(every: Sequence[Cell]) -> str:
    """Return the table of all cells."""
    if not every:
        return ""
    lines = [_HEAD, "|---" * _HEAD.count(" | ") + "|---|"]
    pooled = together(every)
    for cell in [pooled, *every]:
        name = cell.name + (f": {cell.what}" if cell.what else "")
        worst = ("", "") if cell is pooled else (f"{cell.mean:+.2f}", f"{cell.width:.2f}")
        wrong = pooled.limit >= POOLED if cell is pooled else not cell.ok
        counts = (cell.numbers, cell.without, cell.numbers - cell.good, cell.off)
        shares = (f"{cell.off / max(cell.numbers, 1):.2%}", f"{cell.limit:.2%}")
        row = (name, *(f"{count:,}" for count in counts), *shares, *worst, cell.code, "**too many**" if wrong else "")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def read_table(text: str) -> list[Cell]:
    """Return the cells of the table on a page; none without a table."""
    lines = [line for line in text[text.find(_HEAD) :].splitlines() if line.startswith("| ")] if _HEAD in text else []
    rows = [[column.strip() for column in line[1:-1].split("|")] for line in lines]
    found = []
    for name, *columns in (row for row in rows[1:] if row[0] != _TOGETHER):
        numbers, without, flagged, off = (int(column.replace(",", "")) for column in columns[:4])
        mean, width, code = columns[6:9]
        name, _, what = name.partition(": ")
        found.append(Cell(name, what, numbers, without, numbers - flagged, off, float(mean), float(width), code))
    return found


def renewed(old: Sequence[Cell], new: Sequence[Cell], code: str) -> list[Cell]:
    """Return the old cells, with the new ones in the places of those that have their names, or behind all."""
    own = {cell.name: replace(cell, code=code) for cell in new}
    return [own.pop(cell.name, cell) for cell in old] + list(own.values())
