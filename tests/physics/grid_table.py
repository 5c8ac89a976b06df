"""How many results in each cell of the grid are far off and not flagged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xomphysics.poisson import poisson_upper_limit

if TYPE_CHECKING:
    from study import Row, Scenario

CELL, POOLED = 0.01, 0.005  # highest upper limits (95 %) of the share that is off and not flagged
JUDGED = 1000  # numbers from which on a cell is judged by itself


@dataclass(frozen=True)
class Cell:
    """Results with one kind of truth: given, unflagged, and unflagged and off by more than 3 sigma; the worst pulls."""

    name: str
    what: str
    numbers: int
    without: int
    good: int
    off: int
    mean: float
    width: float

    @property
    def limit(self) -> float:
        """Upper limit (95 %) of the share that is off and not flagged."""
        return poisson_upper_limit(self.off, 0.95) / max(self.numbers, 1)

    @property
    def ok(self) -> bool:
        """Whether few enough are off; a cell of few numbers counts only with the others."""
        return self.numbers < JUDGED or self.limit < CELL


def cells(rows: Sequence["Row"], scenarios: Mapping[str, "Scenario"]) -> list[Cell]:
    """Add the rows of each cell."""
    found = []
    for name, scenario in scenarios.items():
        own = [row for row in rows if row.scenario == name]
        means = [row.mean for row in own if row.mean is not None and row.good > 30]
        widths = [row.width for row in own if row.width is not None and row.good > 30]
        found.append(
            Cell(
                name=name,
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
    return Cell(name="**all together**", what="", mean=0.0, width=1.0, **sums)


def grid_table(every: Sequence[Cell]) -> str:
    """Return the table of all cells."""
    lines = ["| truth | numbers | none | flagged | off | share | upper limit | worst mean | worst width | |"]
    lines.append("|---|---|---|---|---|---|---|---|---|---|")
    if not every:
        return ""
    pooled = together(every)
    for cell in [pooled, *every]:
        name = cell.name + (f": {cell.what}" if cell.what else "")
        worst = ("", "") if cell is pooled else (f"{cell.mean:+.2f}", f"{cell.width:.2f}")
        wrong = pooled.limit >= POOLED if cell is pooled else not cell.ok
        counts = (cell.numbers, cell.without, cell.numbers - cell.good, cell.off)
        shares = (f"{cell.off / max(cell.numbers, 1):.2%}", f"{cell.limit:.2%}")
        row = (name, *(f"{count:,}" for count in counts), *shares, *worst, "**too many**" if wrong else "")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)
