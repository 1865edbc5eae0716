"""Small drawn logos, so that receipts look like somebody's."""

from io import BytesIO
from math import cos, pi, sin

from PIL import Image, ImageDraw

SIZE = 512


def logo(code: str, colour: str) -> bytes:
    """A PNG of 256 by 256: a mark on a rounded square of the house's colour."""
    image = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((8, 8, SIZE - 8, SIZE - 8), radius=96, fill=colour)
    {"allegro": _note, "fulong": _flame}.get(code, _lamp)(draw, colour)
    out = BytesIO()
    image.resize((SIZE // 2, SIZE // 2), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _note(draw: ImageDraw.ImageDraw, colour: str) -> None:
    """Two quavers joined by a beam."""
    for x in (150, 310):
        draw.ellipse((x - 52, 330, x + 40, 402), fill="white")
        draw.rectangle((x + 18, 132, x + 40, 368), fill="white")
    draw.polygon([(168, 132), (350, 100), (350, 162), (168, 194)], fill="white")


def _flame(draw: ImageDraw.ImageDraw, colour: str) -> None:
    """A flame with a smaller one inside."""
    for scale, fill in ((1.0, "white"), (0.5, colour)):
        bottom = 410
        points = []
        for step in range(0, 181):
            angle = pi * step / 180
            width = 120 * scale * sin(angle) * (1 + 0.35 * cos(angle))
            points.append((256 + width, bottom - 300 * scale * (1 - cos(angle)) / 2))
        left = [(512 - x, y) for x, y in reversed(points)]
        draw.polygon(points + left, fill=fill)


def _lamp(draw: ImageDraw.ImageDraw, colour: str) -> None:
    """A shield with a lit lamp."""
    draw.polygon([(256, 84), (404, 136), (392, 300), (256, 428), (120, 300), (108, 136)], fill="white")
    draw.chord((164, 216, 348, 372), 0, 180, fill=colour)
    draw.polygon([(256, 150), (292, 232), (256, 268), (220, 232)], fill=colour)
