"""Works for the replay: drawn, not photographed, so that they are ours; each looks like its kind.

Every function takes a numpy random generator and returns a Pillow image; the same seed gives the same picture.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from concours.cli.replay.verses import SEALS, VERSES

FONTS = Path(__file__).parent / "fonts"
HANDS = {"楷书": "brush-regular.ttf", "行书": "brush-running.ttf", "草书": "brush-cursive.ttf"}
VERMILION = (178, 42, 30)

Field = NDArray[np.float32]


def noise(rng: np.random.Generator, height: int, width: int, scale: int, octaves: int = 4) -> Field:
    """Smooth noise in 0..1: random lattices of growing fineness, each half as strong as the one before."""
    total = np.zeros((height, width), np.float32)
    strength, weight = 1.0, 0.0
    for octave in range(octaves):
        step = max(2, scale >> octave)
        lattice = rng.random((height // step + 3, width // step + 3), dtype=np.float32)
        layer = Image.fromarray(lattice).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, np.float32) * strength
        weight += strength
        strength *= 0.5
    field: Field = np.clip(total / weight, 0, 1).astype(np.float32)
    return field


def paper(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Rice paper: a warm ground, uneven like laid fibre, a little darker to the edges."""
    tone = np.array(((244, 238, 224), (240, 230, 208), (236, 226, 214), (247, 244, 236))[rng.integers(4)], np.float32)
    grain = noise(rng, height, width, 96) * 14 + rng.random((height, width), dtype=np.float32) * 5
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    edge = np.maximum(abs(x / width - 0.5), abs(y / height - 0.5)) ** 6 * 900
    pixels = tone[None, None, :] - grain[:, :, None] - edge[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def seal(rng: np.random.Generator, side: int, words: str) -> Image.Image:
    """A seal of 2 or 4 characters, cut in white or in red, worn at its edge."""
    square = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(square)
    white = bool(rng.integers(2))
    draw.rounded_rectangle((0, 0, side - 1, side - 1), side // 10, fill=255)
    if not white:
        rim = max(3, side // 14)
        draw.rounded_rectangle((rim, rim, side - 1 - rim, side - 1 - rim), side // 14, fill=0)
    ink = 0 if white else 255
    letters = words[:4] if len(words) >= 4 else words[:2]
    rows = 2
    columns = len(letters) // rows
    cell = int(side * 0.84 / max(rows, columns))
    font = ImageFont.truetype(str(FONTS / "brush-regular.ttf"), int(cell * 0.98))
    for index, letter in enumerate(letters):
        column, row = index // rows, index % rows
        cx = side / 2 + (columns / 2 - 0.5 - column) * cell
        cy = side / 2 + (row - rows / 2 + 0.5) * cell
        draw.text((cx, cy), letter, fill=ink, font=font, anchor="mm")
    worn = np.asarray(square, np.float32) * (noise(rng, side, side, max(4, side // 12)) > 0.24)
    out = Image.new("RGBA", (side, side), (*VERMILION, 0))
    out.putalpha(Image.fromarray((worn * 0.9).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7)))
    return out


def _brush(rng: np.random.Generator, mask: Image.Image, dryness: float) -> Image.Image:
    """Ink where `mask` is: flying white where the brush was dry, darker where it paused."""
    width, height = mask.size
    streaks = noise(rng, height, max(8, width // 8), 6, 2)
    wide = np.asarray(Image.fromarray(streaks).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    pools = noise(rng, height, width, 60, 3)
    covered = np.asarray(mask, np.float32) / 255
    alpha = covered * np.where(wide < dryness, 0.25 + wide, 1.0) * (0.86 + 0.14 * pools)
    ink = Image.new("RGBA", mask.size, (24, 22, 24, 0))
    ink.putalpha(Image.fromarray(np.clip(alpha * 255, 0, 255).astype(np.uint8)))
    return ink


def calligraphy(rng: np.random.Generator, hand: str, size: int = 1800) -> tuple[Image.Image, str]:
    """A piece in the given hand (楷书, 行书, 草书), upright, square or wide; returns it and the title of its verse."""
    title, text = VERSES[rng.integers(len(VERSES))]
    short = len(text) <= 4
    shape = (1.0, 2.6) if short else ((0.46, 1.0) if len(text) > 40 or rng.random() < 0.6 else (1.0, 1.0))
    height, width = (size, int(size * shape[0])) if not short else (int(size / shape[1]), size)
    sheet = paper(rng, width, height)
    font_file = str(FONTS / HANDS[hand])
    margin = int(min(width, height) * 0.09)
    if short:
        columns, per_column = len(text), 1
    else:
        columns = int(np.clip(round((len(text) * (width - 2 * margin) / (height - 2 * margin)) ** 0.5), 2, 12))
        per_column = -(-len(text) // columns)
    signature = int(min(width, height) * 0.075)
    room = width - 2 * margin - signature * 2
    cell_w, cell_h = room / columns, (height - 2 * margin) / per_column
    glyph = int(min(cell_w, cell_h) * (0.98 if short else 0.92))
    mask = Image.new("L", (width, height), 0)
    for index, letter in enumerate(text):
        column, row = index // per_column, index % per_column
        grown = int(glyph * rng.uniform(0.86, 1.1 if hand != "楷书" else 0.98))
        tile = Image.new("L", (glyph * 2, glyph * 2), 0)
        font = ImageFont.truetype(font_file, grown)
        ImageDraw.Draw(tile).text((glyph, glyph), letter, fill=255, font=font, anchor="mm")
        if hand != "楷书":
            tile = tile.rotate(rng.normal(0, 2.2), Image.Resampling.BICUBIC)
        drift = rng.normal(0, glyph * (0.02 if hand == "楷书" else 0.05), 2)
        cx = width - margin - (column + 0.5) * cell_w + drift[0]
        cy = margin + (row + 0.5) * cell_h + drift[1]
        mask.paste(255, (int(cx - glyph), int(cy - glyph)), tile)
    small = ImageFont.truetype(font_file, signature)
    words = "录" + title + "辛丑夏"
    draw = ImageDraw.Draw(mask)
    top = margin + int((height - 2 * margin) * 0.12)
    fits = max(2, int((height - top - margin - signature * 2.6) / (signature * 1.06)))
    for index, letter in enumerate(words[-fits:] if len(words) > fits else words):
        draw.text((margin + signature * 0.7, top + index * signature * 1.06), letter, fill=235, font=small, anchor="mm")
    sheet.paste(
        _ink := _brush(rng, mask.filter(ImageFilter.GaussianBlur(0.8)), 0.2 if hand == "楷书" else 0.33), (0, 0), _ink
    )
    stamp = seal(rng, int(signature * 1.5), SEALS[rng.integers(len(SEALS))])
    under = min(height - margin - stamp.height, top + int(min(len(words), fits) * signature * 1.06) + signature // 4)
    sheet.paste(stamp, (margin, under), stamp)
    opener = seal(rng, int(signature * 1.1), SEALS[rng.integers(len(SEALS))])
    sheet.paste(opener, (width - margin, margin // 3), opener)
    return sheet, title


def _ridge(rng: np.random.Generator, width: int, base: float, amplitude: float, roughness: int) -> Field:
    line = np.zeros(width, np.float32)
    span, height = roughness, amplitude
    while span > 4:
        knots = rng.random(width // span + 3, dtype=np.float32)
        positions = np.linspace(0, len(knots) - 1.01, width)
        left = positions.astype(int)
        t = positions - left
        t = t * t * (3 - 2 * t)
        line += ((knots[left] * (1 - t) + knots[left + 1] * t) - 0.5) * height
        span, height = span // 2, height * 0.52
    return (base - np.abs(line) * 1.6).astype(np.float32)


def landscape(rng: np.random.Generator, size: int = 1800) -> Image.Image:
    """Ink mountains in mist, a sun or moon, trees at the shore, a boat, a seal (青绿 or plain ink)."""
    upright = rng.random() < 0.5
    width, height = (int(size * 0.62), size) if upright else (size, int(size * 0.56))
    canvas = np.asarray(paper(rng, width, height), np.float32).copy()
    y = np.arange(height, dtype=np.float32)[:, None]
    tint = np.array(((36, 40, 46), (30, 66, 74), (44, 58, 48), (58, 44, 40))[rng.integers(4)], np.float32)
    cx, cy, r = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.22) * height, size * rng.uniform(0.03, 0.05)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    disc = np.clip((r - np.hypot(xx - cx, yy - cy)) / 3, 0, 1)[:, :, None]
    if rng.random() < 0.6:
        canvas = canvas * (1 - disc * 0.8) + np.array((196, 70, 48), np.float32) * disc * 0.8
    layers = int(rng.integers(5, 8))
    for layer in range(layers):
        depth = layer / (layers - 1)
        base = height * (0.34 + 0.5 * depth)
        ridge = _ridge(rng, width, base, height * (0.36 - 0.2 * depth), int(width * (0.5 - 0.26 * depth)))
        below = y - ridge[None, :]
        texture = noise(rng, height, width, 120 - int(70 * depth), 5)
        body = np.clip(below / 3, 0, 1) * np.exp(-np.clip(below, 0, None) / (height * (0.1 + 0.12 * depth)))
        strokes = 0.62 + 0.76 * texture * (0.5 + 0.5 * np.sin(below / (5 + 9 * depth) + texture * 18))
        alpha = np.clip(body * strokes * (0.2 + 0.72 * depth), 0, 0.94)[:, :, None]
        canvas = canvas * (1 - alpha) + tint * (1.25 - 0.55 * depth) * alpha
        mist = np.clip(1 - np.abs(below - height * 0.16) / (height * 0.09), 0, 1) * texture * (1 - depth) * 0.5
        canvas = canvas * (1 - mist[:, :, None]) + np.array((243, 238, 226), np.float32) * mist[:, :, None]
    picture = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture, "RGBA")
    _trees(rng, draw, width, height)
    bx, by = rng.uniform(0.25, 0.7) * width, height * rng.uniform(0.86, 0.92)
    hull = size * 0.03
    draw.line(
        (bx - hull, by, bx - hull * 0.6, by + 7, bx + hull * 0.6, by + 7, bx + hull, by - 2),
        fill=(30, 28, 30, 230),
        width=5,
    )
    draw.ellipse((bx - 9, by - 22, bx + 9, by - 6), fill=(40, 36, 36, 220))
    stamp = seal(rng, int(size * 0.045), SEALS[rng.integers(len(SEALS))])
    picture.paste(stamp, (int(width * (0.06 if rng.random() < 0.5 else 0.88)), int(height * 0.06)), stamp)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def _trees(rng: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    for _ in range(int(rng.integers(5, 12))):
        x, ground = rng.uniform(0.02, 0.98) * width, height * rng.uniform(0.9, 1.0)
        tall = height * rng.uniform(0.06, 0.16)
        lean = rng.normal(0, tall * 0.15)
        draw.line(
            (x, ground, x + lean * 0.5, ground - tall * 0.6, x + lean, ground - tall), fill=(28, 26, 28, 235), width=6
        )
        for _leaf in range(70):
            at = rng.uniform(0.45, 1.05)
            lx, ly = x + lean * at + rng.normal(0, tall * 0.2), ground - tall * at + rng.normal(0, tall * 0.07)
            r = rng.uniform(2, 7)
            draw.ellipse(
                (lx - r * 1.8, ly - r * 0.6, lx + r * 1.8, ly + r * 0.6), fill=(34, 40, 36, int(rng.uniform(60, 190)))
            )


def photograph(rng: np.random.Generator, size: int = 2000) -> Image.Image:
    """Something a camera might have seen: sky and light, distance in haze, water, a field or a skyline; with grain."""
    width, height = (size, size * 2 // 3) if rng.random() < 0.75 else (size * 2 // 3, size)
    skies = (
        ((28, 46, 92), (250, 158, 92)), ((12, 18, 44), (70, 84, 130)), ((92, 150, 208), (226, 236, 240)),
        ((70, 54, 110), (252, 190, 150)), ((40, 78, 120), (246, 224, 178)),
    )  # fmt: skip
    pick = int(rng.integers(len(skies)))
    top, low = (np.array(c, np.float32) for c in skies[pick])
    horizon = int(height * rng.uniform(0.5, 0.68))
    t = np.clip(np.arange(height, dtype=np.float32) / horizon, 0, 1)[:, None, None] ** 1.25
    canvas = top * (1 - t) + low * t + np.zeros((height, width, 3), np.float32)
    clouds = np.clip(noise(rng, height, width, width // 3, 6) - 0.5, 0, 1)[:, :, None] * 1.9
    canvas += (np.array((255, 246, 236), np.float32) - canvas) * clouds * (1 - t) * (0.25 if pick == 1 else 0.75)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    sx, sy = rng.uniform(0.2, 0.8) * width, horizon * rng.uniform(0.6, 0.95)
    far = np.hypot(xx - sx, (yy - sy) * 1.1)[:, :, None]
    canvas += np.array((255, 214, 150), np.float32) * np.exp(-far / (width * 0.14)) * (0.25 if pick == 1 else 0.8)
    canvas += np.clip((width * 0.018 - far) / 4, 0, 1) * 120
    if pick == 1:
        stars = (rng.random((height, width)) > 0.9985) & (yy < horizon)
        canvas[stars] += rng.uniform(60, 200, (int(stars.sum()), 1)).astype(np.float32)
    haze = low * 0.75
    for layer in range(4):
        depth = layer / 3
        ridge = _ridge(
            rng, width, horizon + depth * height * 0.04, height * (0.22 - 0.12 * depth), width // (3 + layer)
        )
        inside = np.clip((yy - ridge[None, :]) / 2, 0, 1)[:, :, None] * (yy < horizon + height * 0.05)[:, :, None]
        canvas = canvas * (1 - inside) + (haze * (1 - depth) + top * 0.42 * depth) * inside
    below = yy >= horizon + height * 0.02
    if rng.random() < 0.55:  # water: the sky upside down, broken by waves
        waves = (noise(rng, height, width, 40, 3) - 0.5) * 40
        source = np.clip(2 * horizon - yy + waves, 0, height - 1).astype(int)
        mirrored = canvas[source, np.clip(xx + waves * 0.6, 0, width - 1).astype(int)] * 0.78
        canvas = np.where(below[:, :, None], mirrored, canvas)
    else:  # a field in rows
        rows = np.sin((xx - width / 2) / np.clip(yy - horizon, 1, None) * 34)
        crop = noise(rng, height, width, 16, 3)
        colour = np.array(((176, 142, 62), (92, 118, 58), (120, 98, 66))[rng.integers(3)], np.float32)
        field = colour * (0.55 + 0.3 * rows[:, :, None] * 0.4 + 0.5 * crop[:, :, None])
        canvas = np.where(below[:, :, None], field * (0.6 + 0.4 * low / 255), canvas)
    edge = np.hypot(xx / width - 0.5, yy / height - 0.5)[:, :, None]
    canvas = canvas * (1 - edge**2 * 0.9) + rng.normal(0, 4, (height, width, 1)).astype(np.float32)
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


CAMERAS = (
    ("Canon", "Canon EOS R6"),
    ("NIKON CORPORATION", "NIKON Z 6_2"),
    ("HUAWEI", "LIO-AN00"),
    ("Xiaomi", "M2102K1C"),
)


def jpeg(rng: np.random.Generator, picture: Image.Image, *, camera: bool, quality: int = 92) -> bytes:
    """The picture as JPEG; with `camera`, the EXIF a phone writes, position included (it must never get out)."""
    exif = Image.Exif()
    if camera:
        maker, model = CAMERAS[rng.integers(len(CAMERAS))]
        exif[0x010F], exif[0x0110] = maker, model
        exif[0x0132] = f"2021:05:0{rng.integers(1, 9)} 0{rng.integers(5, 9)}:30:00"
        exif.get_ifd(0x8769)[0x9003] = exif[0x0132]
        exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 15.0), 3: "E", 4: (116.0, 23.0, 29.0)})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif, subsampling=1)
    return out.getvalue()
