"""Draws the app icon: python icon.py OUT. One list of shapes gives the SVG and the PNGs.

A decision tree stands on a desk; one of its leaves is lit. On a grid of 512 by 512.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIZES = (16, 32, 48, 64, 128, 256, 512)
OVERSAMPLING = 8

GROUND, DESK, LINE, NODE, LIT = "#1c2b4a", "#e9edf5", "#8fa3c8", "#e9edf5", "#f2a33a"

# ("box", left, top, right, bottom, radius, colour), ("line", x0, y0, x1, y1, width, colour), ("dot", x, y, radius,
# colour)
SHAPES = [
    ("box", 16, 16, 496, 496, 112, GROUND),
    ("line", 256, 128, 166, 262, 22, LINE),
    ("line", 256, 128, 346, 262, 22, LINE),
    ("dot", 256, 128, 50, NODE),
    ("dot", 160, 270, 50, NODE),
    ("dot", 352, 270, 50, LIT),
    ("box", 84, 344, 428, 384, 20, DESK),
    ("box", 120, 364, 156, 436, 14, DESK),
    ("box", 356, 364, 392, 436, 14, DESK),
]


def svg() -> str:
    """The drawing as SVG."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512">']
    parts.append("  <title>Modeldesk</title>")
    for kind, *a in SHAPES:
        if kind == "box":
            x, y, right, bottom, radius, colour = a
            parts.append(
                f'  <rect x="{x}" y="{y}" width="{right - x}" height="{bottom - y}" rx="{radius}" fill="{colour}"/>'
            )
        elif kind == "line":
            x0, y0, x1, y1, width, colour = a
            parts.append(f'  <path d="M{x0} {y0}L{x1} {y1}" stroke="{colour}" stroke-width="{width}"/>')
        else:
            x, y, radius, colour = a
            parts.append(f'  <circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def picture(size: int) -> Image.Image:
    """The drawing with transparency, smooth at its edges."""
    big = size * OVERSAMPLING
    scale = big / 512
    image = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for kind, *a in SHAPES:
        *numbers, colour = a
        n = [value * scale for value in numbers]
        if kind == "box":
            draw.rounded_rectangle((n[0], n[1], n[2] - 1, n[3] - 1), n[4], fill=colour)
        elif kind == "line":
            draw.line(n[:4], fill=colour, width=round(n[4]))
        else:
            x, y, radius = n
            draw.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=colour)
    return image.resize((size, size), Image.Resampling.BOX)


def main() -> None:
    """The SVG and every size."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    (out / "modeldesk.svg").write_text(svg(), encoding="utf-8")
    for size in SIZES:
        picture(size).save(out / f"{size}x{size}.png", optimize=True)


if __name__ == "__main__":
    main()
