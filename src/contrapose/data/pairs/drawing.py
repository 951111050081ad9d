"""A pair as people see it: the picture above its words, as an SVG."""

from __future__ import annotations

import base64
import html
import io
import textwrap

import numpy as np

WIDTH = 160  # units of the drawing
LETTERS = 26  # in a line of it
LINES = 3


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
    written = "".join(
        f'<text x="4" y="{WIDTH + 14 + 13 * number}" font-size="11" font-family="sans-serif">{html.escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    height = WIDTH + 13 * LINES + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
        f'<image width="{WIDTH}" height="{WIDTH}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{picture}"/>{written}</svg>'
    )
