"""PNG files with a palette: of the usual figures they have a third of the size, and look the same."""

from pathlib import Path

_COLOURS = 256
# Largest difference from the picture with all its colours: root mean square of the worst colour, of 255.
_INVISIBLE = 2.0
# As numbers, since the names depend on the version of Pillow.
_MAXIMUM_COVERAGE, _NO_DITHER = 1, 0


def give_palette(path: Path) -> None:
    """Write an opaque PNG with a palette if it then looks the same and is smaller, else leave it.

    Matplotlib needs Pillow; where it is missing, pictures have another origin and stay as they are.
    """
    try:
        from PIL import Image, ImageChops, ImageStat, UnidentifiedImageError
    except ImportError:
        return
    try:
        with Image.open(path) as picture:
            if picture.format != "PNG" or (picture.mode == "RGBA" and picture.getextrema()[3][0] < 255):
                return
            opaque, resolution = picture.convert("RGB"), picture.info.get("dpi")
    except UnidentifiedImageError:
        return
    indexed = opaque.quantize(_COLOURS, method=_MAXIMUM_COVERAGE, dither=_NO_DITHER)
    difference = ImageStat.Stat(ImageChops.difference(opaque, indexed.convert("RGB")))
    if max(difference.rms) > _INVISIBLE:
        return
    small = path.with_name(f".{path.name}.part")
    indexed.save(small, format="PNG", **({"dpi": resolution} if resolution else {}))
    if small.stat().st_size < path.stat().st_size:
        small.replace(path)
    else:
        small.unlink()
