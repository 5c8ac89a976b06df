"""What becomes of pictures, by name: size before and after, their mode, and the largest differences."""

import json
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from xomlib.saving.pictures import give_palette


def lines() -> Figure:
    figure = Figure(figsize=(10, 7), dpi=130, facecolor="white")
    axes = figure.subplots()
    for n in range(5):
        axes.errorbar(np.arange(50), np.sin(np.arange(50) / (n + 2)), 0.1, fmt="o-", label=f"curve {n}")
    axes.legend()
    return figure


def histogram() -> Figure:
    figure = Figure(figsize=(6, 5), dpi=100)
    axes = figure.subplots()
    figure.colorbar(axes.imshow(np.hypot(*np.indices((60, 60))), cmap="viridis"))
    return figure


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = {}
        for name, picture in (("lines", lines()), ("histogram", histogram()), ("noise", noise())):
            told[name] = look(Path(folder) / f"{name}.png", picture)
        transparent = Path(folder) / "transparent.png"
        lines().savefig(transparent, transparent=True)
        told["transparent"] = look(transparent)
        print(json.dumps(told))


def look(path: Path, picture: object = None) -> dict[str, object]:
    if isinstance(picture, Image.Image):
        picture.save(path)
    elif isinstance(picture, Figure):
        picture.savefig(path)
    before, size = np.asarray(Image.open(path).convert("RGBA")).astype(int), path.stat().st_size
    give_palette(path)
    with Image.open(path) as image:
        mode, dpi = image.mode, image.info.get("dpi")
        after = np.asarray(image.convert("RGBA")).astype(int)
    difference = np.abs(after - before)
    left = [one.name for one in path.parent.glob(".*")]
    return {
        "size": size,
        "smaller": path.stat().st_size / size,
        "mode": mode,
        "dpi": dpi and round(dpi[0]),
        "mean": float(difference.mean()),
        "largest": int(difference.max()),
        "background": difference[2, 2].tolist(),
        "left": left,
    }


if __name__ == "__main__":
    main()
