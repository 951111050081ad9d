"""A pair as people see it: the picture above its words, as an SVG."""

from __future__ import annotations

import base64
import html
import io
import textwrap

import numpy as np

WIDTH = 160  # units of the drawing
LETTERS = 23  # in a line of it
LINES = 4
SIZE, STEP = 13, 16  # of letters, and from line to line


def pair_drawing(pixels: np.ndarray, caption: str) -> str:
    """`(C, H, W)` uint8 and a text, one above the other; small pictures are enlarged in blocks.

    Shapes:
        pixels: `(C, H, W)`; of other numbers of channels than 1 and 3 the first one is shown.
    """
    from PIL import Image

    shown = pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0]  # (H, W, 3) or (H, W)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(file, format="png")
    picture = base64.b64encode(file.getvalue()).decode()
    lines = textwrap.wrap(caption, LETTERS, max_lines=LINES, placeholder=" ...") or [""]
    style = f'x="4" font-size="{SIZE}" font-family="sans-serif"'
    written = "".join(
        f'<text y="{WIDTH + STEP * number}" {style}>{html.escape(line)}</text>' for number, line in enumerate(lines, 1)
    )
    height = WIDTH + STEP * len(lines) + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
        f'<image width="{WIDTH}" height="{WIDTH}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{picture}"/>{written}</svg>'
    )
