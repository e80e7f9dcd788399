"""Draw the course's figures as SVG: notebooks/figures/*.svg, with alt text, from the networks' own numbers.

    python tools/make_figures.py

Each figure stands on its own light ground, so it reads on light and dark pages; letters are large enough for
a projector. Maps in them are those of the course's own network: nothing is sketched that can be computed.
"""

import base64
import io
from pathlib import Path
from xml.sax.saxutils import escape

from course_utils import networks, plots
from course_utils.cam import class_activation_maps, softmax

import numpy as np
from PIL import Image

FIGURES = Path(__file__).parents[1] / "notebooks" / "figures"
INK, FAINT, GROUND, SOFT = "#1c1c1c", "#767676", "#fcfcfa", "#ecebe6"
FOR, AGAINST = (f"#{bytes(colour).hex()}" for colour in (plots.FOR, plots.AGAINST))

# --- what figures are made of ----------------------------------------------------------------


def figure(name, size, title, words, parts):
    """Write `name`.svg of `size` (width, height) units: title and description are its alt text."""
    width, height = size
    body = "\n".join(parts)
    head = "".join(
        f'<marker id="{key}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="{colour}"/></marker>'
        for key, colour in (("tip", INK), ("back", FOR))
    )
    page = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="title words" font-family="sans-serif" fill="{INK}">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="words">{escape(words)}</desc>\n'
        f"<defs>{head}</defs>\n"
        f'<rect width="{width}" height="{height}" rx="12" fill="{GROUND}"/>\n{body}\n</svg>\n'
    )
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / f"{name}.svg").write_text(page, encoding="utf-8")


def text(x, y, words, size=20, anchor="middle", colour=INK, weight="normal", over=False):
    """A line of text, readable `over` lines, too; `_k` and `^c` after a letter are set low and high."""
    spans, shift = "", 0
    pieces = words.replace("_", "\0_").replace("^", "\0^").split("\0")
    spans += escape(pieces[0])
    for piece in pieces[1:]:
        move = 0.3 if piece[0] == "_" else -0.4
        small, rest = escape(piece[1]), escape(piece[2:])
        spans += f'<tspan dy="{(move - shift):.2g}em" font-size="70%">{small}</tspan>'
        spans += f'<tspan dy="{-move * 0.7:.2g}em">{rest}</tspan>' if rest else ""
        shift = 0 if rest else move
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}" paint-order="stroke" stroke="{GROUND}" stroke-width="{4 if over else 0}">'
        f"{spans}</text>"
    )


def box(x, y, width, height, words="", fill=SOFT, edge=INK, size=20, thick=1.5):
    """A rectangle with lines of text in its middle."""
    lines = words.split("\n")
    middle = y + height / 2 + size * 0.35 - (len(lines) - 1) * size * 0.6
    rect = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" fill="{fill}" '
    rect += f'stroke="{edge}" '
    return (
        rect
        + f'stroke-width="{thick}"/>'
        + "".join(
            text(x + width / 2, middle + i * size * 1.2, line, size) for i, line in enumerate(lines) if line
        )
    )


def line(x0, y0, x1, y1, colour=INK, thick=2, dash="", tip=""):
    """A line, with a tip at its end if asked for."""
    extra = f' stroke-dasharray="{dash}"' if dash else ""
    extra += f' marker-end="url(#{tip})"' if tip else ""
    ends = f'x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{thick}"{extra}/>'


def arrow(x0, y0, x1, y1):
    return line(x0, y0, x1, y1, tip="tip")


def picture(x, y, size, pixels):
    """Pixels (H, W, 3) uint8 in a square of `size` units, each as a little square, with a thin edge."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "png")
    source = base64.b64encode(png.getvalue()).decode()
    return (
        f'<image x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{source}"/>' + box(x, y, size, size, fill="none", thick=1)
    )


def grey(values):
    """A feature map's cells, (H, W) from 0 on, as pixels: the larger the darker."""
    share = np.clip(values / (values.max() or 1), 0, 1)[..., None]
    return (255 - 225 * share).astype(np.uint8).repeat(3, axis=2)


def ink(values, limit):
    """A map's cells (H, W) as evidence on paper."""
    share = np.clip(np.abs(values) / limit, 0, 1)[..., None]
    return (255 * (1 - share) + np.where(values[..., None] > 0, plots.FOR, plots.AGAINST) * share).astype(
        np.uint8
    )


def number(value, digits=2):
    return f"{value:.{digits}f}".replace("-", "−")


# --- the figures -----------------------------------------------------------------------------


def the_path():
    """From a picture to a score, and the map that adds up to it."""
    first = networks.first_map()
    maps, weights, cat = first["feature_maps"][0], first["class_weights"], 0
    pooled = maps.mean(axis=(0, 1))
    shown, (K, score) = unlike(maps, pooled * weights[:, cat]), (maps.shape[2], first["class_scores"][0, cat])
    cam = class_activation_maps(first["feature_maps"], weights)[0, ..., cat]
    limit, rows = np.abs(cam).max(), [70, 180, 290, 430]
    parts = [text(115, 200, "picture", 22), picture(30, 215, 170, first["image"]), arrow(208, 300, 240, 300)]
    for i in range(4):  # the convolutions, ever smaller and thicker
        side, depth = 190 - 36 * i, 10 + 8 * i
        x = 250 + sum(10 + 8 * j + 14 for j in range(i))
        parts.append(box(x, 300 - side / 2, depth, side, fill="#d8dee9"))
    parts += [text(310, 190, "convolutions", 22), arrow(402, 300, 432, 300)]
    parts += [
        text(495, 45, f"{K} feature maps", 22),
        text(690, 45, "mean (GAP)", 22),
        text(850, 45, "weights", 22),
    ]
    parts += [text(495, 421, "⋮", 30), text(690, 421, "⋮", 30)]
    for name, (k, y) in zip(("1", "2", "3", "K"), zip(shown, rows)):
        parts += [picture(445, y, 100, grey(maps[..., k])), arrow(553, y + 50, 640, y + 50)]
        parts.append(box(645, y + 27, 90, 46, f"{number(pooled[k])}", fill="white"))
        parts += [text(628, y + 33, f"F_{name}", 20, "end")]
        parts.append(line(735, y + 50, 948, 300, FOR if weights[k, cat] > 0 else AGAINST, 3))
        at = y + 57 + (250 - y) * 0.42
        parts.append(text(825, at, f"w_{name} = {number(weights[k, cat])}", 20, over=True))
    share = softmax(first["class_scores"])[0, cat]
    parts += [
        box(950, 262, 120, 76, f"score\n{number(score)}", fill="white", size=22),
        arrow(1070, 300, 1100, 300),
    ]
    parts += [text(1145, 295, "cat", 22), text(1145, 322, f"{share:.1%}", 22)]
    parts.append(text(1010, 365, "Σ w_k F_k + b", 20))
    parts.append(line(30, 560, 1170, 560, FAINT, 1, "4 4"))
    parts.append(
        text(
            30,
            596,
            "The same sum in every cell, before the mean is taken: the class activation map",
            22,
            "start",
        )
    )
    y = 625
    for i, (name, k) in enumerate(zip(("1", "2", "3", "K"), shown)):
        x = 80 + 190 * i + (45 if name == "K" else 0)
        parts += [text(x - 26, y + 58, f"w_{name}·", 22), picture(x, y, 100, grey(maps[..., k]))]
        parts.append(text(x + 117, y + 58, "+" if name != "K" else "=", 26))
        if name == "3":
            parts.append(text(x + 150, y + 56, "… +", 24))
    parts += [picture(875, y - 10, 130, ink(cam, limit)), arrow(1012, y + 55, 1036, y + 55)]
    large = first["image"].repeat(2, axis=0).repeat(2, axis=1)
    parts.append(picture(1042, y - 10, 130, plots.overlay(large, cam, "signed", limit=limit)))
    parts += [text(940, y + 145, f"mean + b = {number(score)}", 20), text(1107, y + 145, "enlarged", 20)]
    words = (
        f"A picture of a drawn cat goes through convolutions into {K} feature maps of 24 by 24 cells. The "
        "mean of each map is one number, each number has one weight, and their weighted sum, plus a bias, "
        f"is the score of cat, {number(score)}. Below, the same weights multiply the maps themselves: their "
        "sum is the class activation map, strong on the cat's head, and its mean is the score but for "
        "the bias."
    )
    figure("cam", (1200, 790), "From a picture to a score, and to the class activation map", words, parts)


def unlike(maps, shares):
    """Four maps that speak loudly and don't look alike: the loudest first."""
    loud = np.argsort(-np.abs(shares))[: len(shares) * 2 // 3]
    chosen, cells = [loud[0]], np.corrcoef(maps.reshape(-1, maps.shape[2]).T)
    while len(chosen) < 4:
        chosen.append(min(loud, key=lambda k: (k in chosen) or np.abs(cells[k, chosen]).max()))
    return sorted(chosen, key=lambda k: -shares[k])


def two_heads():
    """Flatten and dense beside GAP and dense: which weights there are."""
    first = networks.first_map()
    h, w, K = first["feature_maps"].shape[1:]
    C = first["class_weights"].shape[1]
    parts, lines = [line(600, 30, 600, 500, FAINT, 1, "4 4")], []
    for left, name in ((0, "flatten + dense"), (600, "GAP + dense")):
        parts.append(text(left + 300, 50, name, 26, weight="bold"))
        for k in range(3):
            x, y, side = left + 60, 85 + 120 * k, 24
            for i in range(16):
                cell_x, cell_y = x + side * (i % 4), y + side * (i // 4)
                parts.append(
                    box(cell_x, cell_y, side, side, fill=("#dfe6ef", "#efe6d8", "#e2efdf")[k], thick=1)
                )
                if left == 0:
                    hue = FOR if (3 * i + k) % 5 < 3 else AGAINST
                    lines.append(line(cell_x + 12, cell_y + 12, left + 440, 252, hue, 0.8))
            if left:
                parts += [
                    arrow(x + 104, y + 48, x + 172, y + 48),
                    box(x + 175, y + 26, 66, 44, "mean", "white"),
                ]
                parts.append(line(x + 241, y + 48, left + 440, 252, AGAINST if k == 1 else FOR, 3))
        parts.append(box(left + 442, 215, 110, 74, "score of\na class", "white"))
    parts += [
        *lines,
        text(300, 460, "a weight per cell and map: its own question at every place", 20),
        text(300, 490, f"{h} · {w} · {K} · {C} = {h * w * K * C:,} weights; one picture size", 20),
        text(900, 460, "a weight per map: the same question at every place", 20),
        text(900, 490, f"{K} · {C} = {K * C} weights; any picture size", 20),
    ]
    words = (
        "Left, every cell of every feature map has a weight of its own to the score: flatten and dense. "
        "Right, each map is averaged first and has one weight. Both accounts add up to the score; with "
        f"GAP it is {K * C} weights instead of {h * w * K * C:,}, and a map of any size will do."
    )
    figure("fc_and_gap", (1200, 520), "Two heads: flatten and dense, or GAP and dense", words, parts)


def a_filter():
    """A filter slides over a picture and writes one number per place."""
    image = np.zeros((6, 6), int)
    image[1, 1:5] = image[1:5, 3] = 1
    kernel = np.array([[-1, 2, -1]] * 3)
    out = np.array([[(image[r : r + 3, c : c + 3] * kernel).sum() for c in range(4)] for r in range(4)])
    side, (row, column) = 56, np.unravel_index(out.argmax(), out.shape)
    parts = [text(208, 45, "picture", 24), text(620, 45, "filter", 24), text(1000, 45, "feature map", 24)]
    for r, c in np.ndindex(6, 6):
        fill = "#d9d5c8" if image[r, c] else "white"
        parts.append(box(40 + side * c, 65 + side * r, side, side, str(image[r, c]), fill, size=22, thick=1))
    for r, c in np.ndindex(3, 3):
        value = str(kernel[r, c]).replace("-", "−")
        parts.append(box(536 + side * c, 149 + side * r, side, side, value, "#dfe6ef", size=22, thick=1))
    for r, c in np.ndindex(4, 4):
        value = str(out[r, c]).replace("-", "−")
        fill = "#cfcabb" if out[r, c] == out.max() else "white"
        parts.append(box(888 + side * c, 121 + side * r, side, side, value, fill, size=22, thick=1))
    parts.append(box(40 + side * column, 65 + side * row, 3 * side, 3 * side, fill="none", edge=FOR, thick=5))
    parts.append(box(888 + side * column, 121 + side * row, side, side, fill="none", edge=FOR, thick=5))
    parts += [text(456, 240, "×", 34), text(796, 240, "=", 34)]
    products = [
        f"{a}·{b}".replace("-", "−")
        for a, b in zip(image[row : row + 3, column : column + 3].ravel(), kernel.ravel())
    ]
    sums = " + ".join(f"({p})" if "−" in p else p for p in products) + f" = {out.max()}"
    parts += [text(600, 455, sums, 20)]
    parts += [
        text(
            600,
            490,
            "The frame moves on by one pixel and writes the next number: the same nine weights everywhere.",
            20,
        )
    ]
    words = (
        "A filter of three by three weights that looks for upright strokes slides over a picture of six "
        f"by six pixels; where it lies on the stroke it writes {out.max()}, the largest of the sixteen "
        "numbers of the feature map."
    )
    figure("filter", (1200, 515), "A filter slides over a picture", words, parts)


LAYERS = 2 * (("3×3 convolution", 3, 1), ("2×2 pooling", 2, 2))  # of digit_net: name, kernel, stride


def receptive_field():
    """What one cell of digit_net's maps sees of the picture, in one dimension."""
    fields, stride, field = [], 1, 1
    for _, kernel, step in LAYERS:
        field += (kernel - 1) * stride
        stride *= step
        fields.append(field)
    seen = [(0, 1)]  # from the cell downwards: first and one past the last that it reaches
    for _, kernel, step in reversed(LAYERS):
        first, end = seen[-1]
        first, end = first * step, (end - 1) * step + kernel
        if kernel == 3:
            first, end = first - 1, end - 1
        seen.append((first, end))
    seen, steps = seen[::-1], [1]
    for _, _, step in LAYERS:
        steps.append(steps[-1] * step)
    parts, unit, middle, bottom = [], 42, 605, 470
    shift = sum(seen[0]) / 2
    place = lambda level, at: middle + unit * ((at + 0.5) * steps[level] - shift)  # noqa: E731
    names = ["picture", *(name for name, _, _ in LAYERS)]
    for level, (first, end) in enumerate(seen):
        y = bottom - 95 * level
        count = range(-9 // steps[level], 11 // steps[level] + 2)
        for at in count:
            x, inside = place(level, at), first <= at < end
            width = unit * steps[level] - 8
            if 200 < x - width / 2 and x + width / 2 < 1020:
                parts.append(
                    box(x - width / 2, y - 20, width, 40, fill=("#f3b79d" if inside else "white"), thick=1)
                )
        parts.append(text(20, y + 7, names[level], 20, "start"))
        label = (
            "one pixel"
            if level == 0
            else f"sees {fields[level - 1]} pixel{'s' if fields[level - 1] > 1 else ''}"
        )
        parts.append(text(1180, y + 7, label if level else f"{end - first} pixels", 20, "end"))
        if level:
            lower = seen[level - 1]
            left, right = place(level, first), place(level, end - 1)
            half, half_low = unit * steps[level] / 2 - 4, unit * steps[level - 1] / 2 - 4
            low_left, low_right = place(level - 1, lower[0]), place(level - 1, lower[1] - 1)
            parts.append(line(left - half, y + 20, low_left - half_low, y + 75, FOR, 2))
            parts.append(line(right + half, y + 20, low_right + half_low, y + 75, FOR, 2))
    parts.append(
        text(
            600,
            40,
            f"One cell of the last map looks at {fields[-1]} × {fields[-1]} pixels; "
            f"the next one begins {stride} further on",
            22,
        )
    )
    words = (
        f"The layers of digit_net from the side. One cell after the last pooling depends on {fields[-1]} "
        f"pixels in a row of the picture: {', '.join(map(str, fields))} after each layer. The next cell's "
        f"pixels begin {stride} pixels later, so neighbours overlap."
    )
    figure("receptive_field", (1200, 520), "The receptive field of a cell", words, parts)


def enlarging():
    """Cells enlarged to pixels with their centres matched, and with the corners' centres pinned."""
    n, times, unit, left = 4, 4, 50, 300
    N, values = n * times, np.array([1.0, 3.0, 2.0, 4.0])
    parts = []
    ways = (
        ("centres matched", [(i + 0.5) * n / N - 0.5 for i in range(N)], 70),
        ("corners pinned", [i * (n - 1) / (N - 1) for i in range(N)], 330),
    )
    for name, positions, top in ways:
        parts.append(text(30, top + 30, name, 24, "start", weight="bold"))
        note = (
            ("every cell keeps its", "four pixels")
            if top == 70
            else ("cells are drawn away", "from their places")
        )
        parts += [text(30, top + 62 + 28 * i, one, 20, "start") for i, one in enumerate(note)]
        for c in range(n):
            parts.append(box(left + c * times * unit, top, times * unit, 60, fill="white"))
            home = left + (c + 0.5) * times * unit
            at = (c + 0.5) * times - 0.5 if top == 70 else c * (N - 1) / (n - 1)
            pixel = left + (at + 0.5) * unit
            parts.append(line(home, top + 30, pixel, top + 145, FOR, 3, tip="back"))
            parts.append(f'<circle cx="{home:g}" cy="{top + 30}" r="8" fill="{FOR}"/>')
            parts.append(text(home + 20, top + 37, f"{values[c]:.0f}", 22, "start"))
        enlarged = np.interp(np.clip(positions, 0, n - 1), range(n), values)
        for i, value in enumerate(enlarged):
            shade = f"#{ink(np.array([[value]]), 5.0).tobytes().hex()}"
            parts.append(box(left + i * unit, top + 150, unit, 44, f"{value:.1f}", shade, size=16, thick=1))
    parts.append(
        text(600, 40, f"{n} cells, enlarged {times} times: which pixel gets a cell's own value?", 22)
    )
    words = (
        "Four cells become sixteen pixels in two ways. With centres matched, a cell's value stands in the "
        "middle of its own four pixels. With corners pinned, the first and the last cell's centres go to "
        "the very edge and the others move with them."
    )
    figure("enlarging", (1200, 555), "Centres matched or corners pinned", words, parts)


def grad_cam():
    """Forward to a score, back to the maps, and the weighted sum."""
    first = networks.first_map()
    maps, weights = first["feature_maps"][0], first["class_weights"][:, 0]
    shares = maps.mean(axis=(0, 1)) * weights
    k = int(np.argmax(shares))
    cam = class_activation_maps(first["feature_maps"], first["class_weights"])[0, ..., 0]
    parts = [picture(30, 85, 140, first["image"]), arrow(175, 155, 215, 155)]
    parts += [box(220, 110, 150, 90, "convolutions", "#d8dee9"), arrow(372, 155, 412, 155)]
    parts += [
        picture(438, 73, 140, grey(maps[..., unlike(maps, shares)[1]])),
        picture(418, 93, 140, grey(maps[..., k])),
    ]
    parts += [text(500, 58, "feature maps A^k", 22), arrow(585, 155, 630, 155)]
    parts += [box(635, 110, 200, 90, "any layers:\ndense, ReLU, …", "#efe6d8"), arrow(837, 155, 880, 155)]
    parts.append(box(885, 115, 130, 80, "score y^c", "white", size=24))
    parts += [
        line(950, 200, 950, 285, FOR, 3),
        line(950, 285, 735, 285, FOR, 3),
        line(735, 285, 735, 206, FOR, 3, tip="back"),
    ]
    parts += [
        line(640, 205, 640, 285, FOR, 3),
        line(640, 285, 490, 285, FOR, 3),
        line(490, 285, 490, 240, FOR, 3, tip="back"),
    ]
    parts += [
        text(842, 315, "back: the gradient", 20, colour=FOR),
        text(565, 315, "∂y^c / ∂A^k in every cell", 20, colour=FOR),
    ]
    parts += [line(30, 345, 1170, 345, FAINT, 1, "4 4")]
    parts += [
        box(60, 385, 240, 90, "α_k = mean of the\ngradient over the cells", "white"),
        arrow(302, 430, 345, 430),
    ]
    parts += [
        box(350, 385, 220, 90, "Σ  α_k A^k\nover all maps", "white", size=22),
        arrow(572, 430, 615, 430),
    ]
    parts += [box(620, 385, 160, 90, "ReLU:\nkeep what is for", "white"), arrow(782, 430, 825, 430)]
    large = first["image"].repeat(2, axis=0).repeat(2, axis=1)
    parts += [picture(830, 360, 140, ink(np.maximum(cam, 0), np.abs(cam).max())), arrow(975, 430, 1010, 430)]
    parts.append(picture(1015, 360, 140, plots.overlay(large, cam, "positive")))
    words = (
        "Forward, a picture becomes feature maps and, through any layers, a score. Backward, the gradient "
        "of that score reaches every cell of every map. Its mean over the cells is the weight of the map; "
        "the weighted sum of the maps, its negative part left out, is the Grad-CAM. Behind a GAP layer "
        "these weights are those of the CAM, but for one factor."
    )
    figure("grad_cam", (1200, 530), "Grad-CAM: forward to a score, back to the maps", words, parts)


FAMILY = (
    ("method", "weight of a map", "needs", "signs kept", "adds up to the score"),
    ("CAM", "w_k^c, learned", "the class weights", "both", "yes, with GAP + dense"),
    ("Grad-CAM", "mean of the gradient", "one gradient", "for, after ReLU", "before ReLU, with GAP + dense"),
    ("Grad-CAM++", "positive part, cells weighed", "one gradient", "for", "no"),
    ("HiResCAM", "the gradient in each cell", "one gradient", "both", "if linear + ReLU follow, no bias"),
    ("LayerCAM", "its positive part in each cell", "one gradient", "for", "no"),
    ("Score-CAM", "probability when only this map shows", "1 + K forward passes", "for", "no"),
    ("Eigen-CAM", "first principal direction", "the maps, no class", "strength only", "no"),
    ("guided backprop.", "no maps: pixels", "one gradient", "cut on its way", "no"),
)


def family():
    """What each member of the family weighs the maps by, needs, keeps and promises."""
    columns, top, height = (30, 215, 580, 780, 935), 30, 54
    parts = [f'<rect x="15" y="{top}" width="1210" height="{height}" fill="{SOFT}"/>']
    for i, row in enumerate(FAMILY):
        y = top + height * i
        if i > 1:
            parts.append(line(15, y, 1225, y, FAINT, 0.8))
        for j, (x, cell) in enumerate(zip(columns, row)):
            bold = "bold" if i == 0 or j == 0 or cell.startswith("yes") else "normal"
            parts.append(text(x, y + 34, cell, 19, "start", weight=bold))
    words = " ".join(
        f"{row[0]}: weight {row[1].replace('_k^c', '')}; {row[2]}; signs {row[3]}; adds up: {row[4]}."
        for row in FAMILY[1:]
    )
    figure(
        "family", (1240, top * 2 + height * len(FAMILY)), "The family of class activation maps", words, parts
    )


COURSE = (
    ("see", (("00", "your first map"),)),
    ("derive", (("01", "from scores to maps"), ("02", "by hand, 5 × 5"), ("A1", "enlarging a map"))),
    ("train", (("03", "7 against 9"), ("04", "cats and dogs"), ("05", "localization"))),
    ("generalise", (("06", "Grad-CAM"), ("07", "its family"), ("08", "regression"))),
    ("doubt", (("09", "shortcuts"), ("10", "sanity checks"))),
    ("use", (("11", "your own photos"),)),
)


def course():
    """The lessons and in which order they may be read."""
    parts, wide = [], 170
    for i, (verb, lessons) in enumerate(COURSE):
        x = 20 + 200 * i
        parts.append(text(x + wide / 2, 50, verb, 24, weight="bold"))
        top = 190 - 45 * (len(lessons) - 1)
        for j, (number_, name) in enumerate(lessons):
            dashed = number_ == "A1"
            parts.append(
                box(
                    x,
                    top + 90 * j,
                    wide,
                    66,
                    f"{number_}\n{name}",
                    "white" if dashed else "#dfe6ef",
                    FAINT if dashed else INK,
                    18,
                )
            )
            if j and not dashed:
                parts.append(arrow(x + wide / 2, top + 90 * j - 24, x + wide / 2, top + 90 * j - 2))
            elif dashed:
                parts.append(
                    line(x + wide / 2, top + 90 * j - 24, x + wide / 2, top + 90 * j, FAINT, 2, "4 4")
                )
        if i:
            parts.append(arrow(x - 29, 223, x - 2, 223))
    parts.append(
        text(605, 400, "In a hurry: 00, 01, 04, 10, 11.  With a network without GAP: 06 after 01.", 20)
    )
    words = " ".join(
        f"To {verb}: {', '.join(f'{n} {name}' for n, name in lessons)}." for verb, lessons in COURSE
    )
    figure("course", (1210, 425), "The course as a map", words, parts)


DRAW = (the_path, two_heads, a_filter, receptive_field, enlarging, grad_cam, family, course)

if __name__ == "__main__":
    for draw in DRAW:
        draw()
