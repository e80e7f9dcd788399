"""Wrong and right answers to exercise 5."""

from exercise import SOLUTIONS, Right, Wrong, run

PATH = SOLUTIONS[0].parents[1] / "ex05_localization" / "ex05_localization.ipynb"
HAND = """
(ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1), (row, column) = my_box_a, my_box_b, my_cell
both = (min(ax1, bx1) - max(ax0, bx0)) * (min(ay1, by1) - max(ay0, by0))
a, b = (ax1 - ax0) * (ay1 - ay0), (bx1 - bx0) * (by1 - by0)
my_intersection = {both}
my_iou = {iou}
my_cell_box = {cell}
"""


def hand(both="both", iou="both / (a + b - both)", cell="(8 * column, 8 * row, 8 * column + 8, 8 * row + 8)"):
    return {"by_hand": HAND.format(both=both, iou=iou, cell=cell)}


def overlap(result="both / (area(a) + area(b) - both)", both="max(0, w) * max(0, h)", one=""):
    return {"iou": f"""
def iou(a, b):
    def area(box):
        return (box[2] - box[0]{one}) * (box[3] - box[1]{one})
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]){one} for i in (0, 1))
    both = {both}
    return {result}
"""}


def box(mask="small >= fraction * small.max()", result="columns[0] * w, rows[0] * h, (columns[-1] + 1) * w, (rows[-1] + 1) * h"):
    return {"box_from_map": f"""
def box_from_map(small, size, fraction):
    h, w = size[0] // small.shape[0], size[1] // small.shape[1]
    mask = {mask}
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return {result}
"""}


def report(best="np.mean(valid_ious, axis=1).argmax()", result="fractions[best], np.mean(test_ious[best])"):
    return {"choose_and_report": f"def choose_and_report(valid_ious, test_ious, fractions):\n    best = {best}\n    return {result}\n"}


def part(neighbours="((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))", better="len(part) > len(largest)", end="largest", last=""):
    return {"largest_part": f"""
def largest_part(mask):
    H, W = mask.shape
    largest, first, seen = [], None, set()
    for start in zip(*np.nonzero(mask)):
        if start in seen:
            continue
        seen.add(start)
        part, to_visit = [], [start]
        while to_visit:
            y, x = to_visit.pop()
            part.append((y, x))
            for n in {neighbours}:
                if 0 <= n[0] < H and 0 <= n[1] < W and mask[n] and n not in seen:
                    seen.add(n)
                    to_visit.append(n)
        first = first or part
        if {better}:
            largest = part
    result = np.zeros(mask.shape, bool)
    for pixel in {end}:
        result[pixel] = True
    {last}
    return result
"""}


def acc(result="(np.asarray(ious) >= 0.5).mean(axis=1).max()", example="[[0.5, 0.2, 0.9], [0.3, 0.8, 0.1]]"):
    return {"max_box_acc": f"def max_box_acc(ious):\n    return {result}\n\nexample = {example}\n"}


NAMES = ("my_intersection", "my_iou", "my_cell_box")
neighbour = run(PATH, student="neighbour").namespace
ALL_EIGHT = "[(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]"

WRONG = [
    Wrong("copied from a neighbour", hand(*(repr(neighbour[name]) for name in NAMES)), {"by_hand_test": "", "by_hand_cell_test": ""}),
    Wrong("hand: ends inside", hand(both="(min(ax1, bx1) - max(ax0, bx0) + 1) * (min(ay1, by1) - max(ay0, by0) + 1)"),
          {"by_hand_test": "columns x0 to x1 - 1"}),
    Wrong("hand: union for intersection", hand(both="a + b - both"), {"by_hand_test": "that is the union"}),
    Wrong("hand: overlap counted twice", hand(iou="both / (a + b)"), {"by_hand_test": "count twice there"}),
    Wrong("hand: share of one box", hand(iou="both / a"), {"by_hand_test": "that is the share of box a"}),
    Wrong("hand: row for x", hand(cell="(8 * row, 8 * column, 8 * row + 8, 8 * column + 8)"), {"by_hand_cell_test": "x comes from the column"}),
    Wrong("hand: last pixel for the end", hand(cell="(8 * column, 8 * row, 8 * column + 7, 8 * row + 7)"), {"by_hand_cell_test": "the end is exclusive"}),
    Wrong("hand: width and height", hand(cell="(8 * column, 8 * row, 8, 8)"), {"by_hand_cell_test": "not its width and height"}),

    Wrong("iou: share of one box", overlap("both / area(a)"), {"iou_test": "the share of one box"}),
    Wrong("iou: overlap counted twice", overlap("both / (area(a) + area(b))"), {"iou_test": "count twice in the union"}),
    Wrong("iou: ends inside", overlap(one=" + 1"), {"iou_test": "without + 1"}),
    Wrong("iou: not divided", overlap("both"), {"iou_test": "the number of pixels in both"}),
    Wrong("iou: minus times minus", overlap(both="w * h"), {"iou_test": "minus times minus"}),
    Wrong("iou: below zero", overlap(both="w * h if w > 0 or h > 0 else 0"), {"iou_test": "a width below zero"}),
    Wrong("iou: whole pixels only", {"iou": """
def iou(a, b):
    one, two = ({(x, y) for x in range(int(c[0]), int(c[2])) for y in range(int(c[1]), int(c[3]))} for c in (a, b))
    return len(one & two) / len(one | two)
"""}, {"iou_test": "iou, fractions of pixels"}),
    Wrong("iou: course_utils asked", overlap("__import__('course_utils.localize').localize.iou(a, b)"), {"iou_test": "leaves its work to course_utils"}),

    Wrong("box: in cells", box(result="columns[0], rows[0], columns[-1] + 1, rows[-1] + 1"), {"box_from_map_test": "that is the box in cells"}),
    Wrong("box: last cell left out", box(result="columns[0] * w, rows[0] * h, columns[-1] * w, rows[-1] * h"), {"box_from_map_test": "the last cell belongs to the box"}),
    Wrong("box: last pixel for the end", box(result="columns[0] * w, rows[0] * h, (columns[-1] + 1) * w - 1, (rows[-1] + 1) * h - 1"), {"box_from_map_test": "the end is exclusive"}),
    Wrong("box: one pixel of the last cell", box(result="columns[0] * w, rows[0] * h, columns[-1] * w + 1, rows[-1] * h + 1"), {"box_from_map_test": "one cell, not one pixel"}),
    Wrong("box: rows for x", box(result="rows[0] * h, columns[0] * w, (rows[-1] + 1) * h, (columns[-1] + 1) * w"),
          {"box_from_map_test": "x comes from the columns, y from the rows."}),
    Wrong("box: a cell's width and height exchanged", box(result="columns[0] * h, rows[0] * w, (columns[-1] + 1) * h, (rows[-1] + 1) * w"),
          {"box_from_map_test": "width and height of a cell were exchanged"}),
    Wrong("box: from centre to centre", box(result="(columns[0] + 0.5) * w, (rows[0] + 0.5) * h, (columns[-1] + 0.5) * w, (rows[-1] + 0.5) * h"),
          {"box_from_map_test": "from centre to centre"}),
    Wrong("box: width and height", box(result="columns[0] * w, rows[0] * h, len(columns) * w, len(rows) * h"), {"box_from_map_test": "not its width and height"}),
    Wrong("box: size given as width, height", box(result="columns[0] * (size[0] // small.shape[1]), rows[0] * (size[1] // small.shape[0]), (columns[-1] + 1) * (size[0] // small.shape[1]), (rows[-1] + 1) * (size[1] // small.shape[0])"),
          {"box_from_map_test": "n't right"}),
    Wrong("box: square cells only", box(result="columns[0] * h, rows[0] * h, (columns[-1] + 1) * h, (rows[-1] + 1) * h"), {"box_from_map_test": "n't right"}),
    Wrong("box: 8 pixels a cell", box(result="columns[0] * 8, rows[0] * 8, (columns[-1] + 1) * 8, (rows[-1] + 1) * 8"), {"box_from_map_test": "n't right"}),
    Wrong("box: share of the range", box("small >= small.min() + fraction * np.ptp(small)"), {"box_from_map_test": "a share of the range"}),
    Wrong("box: share of the cells", box("small >= np.quantile(small, 1 - fraction)"), {"box_from_map_test": "the strongest quarter of the cells"}),
    Wrong("box: fraction as a value", box("small >= fraction"), {"box_from_map_test": "not a value of the map"}),
    Wrong("box: abs", box("np.abs(small) >= fraction * np.abs(small).max()"), {"box_from_map_test": "abs turns evidence"}),
    Wrong("box: largest magnitude", box("small >= fraction * np.abs(small).max()"), {"box_from_map_test": "not the largest magnitude"}),
    Wrong("box: more than", box("small > fraction * small.max()"), {"box_from_map_test": "at least, not more than"}),
    Wrong("box: enlarged first", {"box_from_map": """
def box_from_map(small, size, fraction):
    line = lambda values, n: np.interp((np.arange(n) + 0.5) * len(values) / n - 0.5, np.arange(len(values)), values)
    taller = np.array([line(column, size[0]) for column in small.T]).T
    large = np.array([line(row, size[1]) for row in taller])
    ys, xs = np.nonzero(large >= fraction * large.max())
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
"""}, {"box_from_map_test": "the map was enlarged first"}),
    Wrong("box: square maps only", box(result="columns[0] * w, rows[0] * h, min(columns[-1] + 1, len(small)) * w, (rows[-1] + 1) * h"), {"box_from_map_test": "box_from_map, "}),

    Wrong("report: chosen on the test pictures", report("np.mean(test_ious, axis=1).argmax()"), {"choose_and_report_test": "choose on the validation pictures"}),
    Wrong("report: best single picture", report("np.max(valid_ious, axis=1).argmax()"), {"choose_and_report_test": "for a single picture"}),
    Wrong("report: chosen by the share found", report("(np.asarray(valid_ious) >= 0.5).mean(axis=1).argmax()"), {"choose_and_report_test": "there the most pictures have"}),
    Wrong("report: the place of the fraction", report(result="best, np.mean(test_ious[best])"), {"choose_and_report_test": "the place of the fraction"}),
    Wrong("report: best test IoU", report(result="fractions[best], np.mean(test_ious, axis=1).max()"), {"choose_and_report_test": "the best test IoU"}),
    Wrong("report: validation IoU", report(result="fractions[best], np.mean(valid_ious[best])"), {"choose_and_report_test": "the IoU of the validation pictures"}),
    Wrong("report: mean of all", report(result="fractions[best], np.mean(test_ious)"), {"choose_and_report_test": "over all thresholds"}),
    Wrong("report: the wrong axis", report("np.mean(valid_ious, axis=0).argmax() % len(fractions)"), {"choose_and_report_test": "chosen fraction"}),

    Wrong("acc: a threshold per picture", acc("(ious.max(axis=0) >= 0.5).mean()"), {"max_box_acc_test": "each picture chose its own"}),
    Wrong("acc: mean over the thresholds", acc("(ious >= 0.5).mean()"), {"max_box_acc_test": "mean over the thresholds"}),
    Wrong("acc: best mean IoU", acc("ious.mean(axis=1).max()"), {"max_box_acc_test": "best mean IoU"}),
    Wrong("acc: at the threshold of the best mean IoU", acc("(ious[ious.mean(axis=1).argmax()] >= 0.5).mean()"), {"max_box_acc_test": "the threshold with the larger IoUs"}),
    Wrong("acc: at the threshold of the best median", acc("(ious[np.median(ious, axis=1).argmax()] >= 0.5).mean()"), {"max_box_acc_test": "the threshold with the larger IoUs"}),
    Wrong("acc: more than one half", acc("(ious > 0.5).mean(axis=1).max()"), {"max_box_acc_test": "0.5 itself counts"}),
    Wrong("acc: a number of pictures", acc("(ious >= 0.5).sum(axis=1).max()"), {"max_box_acc_test": "the number of pictures"}),
    Wrong("acc: the wrong axis", acc("(ious >= 0.5).mean(axis=0).max()"), {"max_box_acc_test": "exchanged"}),

    Wrong("acc: no example", acc(example="None"), {"max_box_acc_test": "example: nothing was given yet"}),
    Wrong("acc: an example where one threshold serves all", acc(example="[[0.6, 0.7], [0.1, 0.9]]"), {"max_box_acc_test": "one of the thresholds finds every picture"}),
    Wrong("acc: an example in which nothing is found", acc(example="[[0.4, 0.1], [0.1, 0.4]]"), {"max_box_acc_test": "need different thresholds"}),
    Wrong("acc: an example of one threshold", acc(example="[0.6, 0.1]"), {"max_box_acc_test": "example: its shape is (2,)"}),
    Wrong("acc: an example without thresholds", acc(example="np.zeros((0, 2))"), {"max_box_acc_test": "example: its shape is (0, 2)"}),
    Wrong("acc: an example in percent", acc(example="[[60, 10], [10, 60]]"), {"max_box_acc_test": "a number between 0 and 1"}),

    Wrong("part: corners connect", part(ALL_EIGHT), {"largest_part_test": "at a corner only"}),
    Wrong("part: the first", part(end="first"), {"largest_part_test": "the first part, not the largest"}),
    Wrong("part: the last of equals", part(better="len(part) >= len(largest)"), {"largest_part_test": "the first one counts"}),
    Wrong("part: columns only", part("((y - 1, x), (y + 1, x))"), {"largest_part_test": "on the left and right count as well"}),
    Wrong("part: all", part(last="result = mask.copy()"), {"largest_part_test": "all parts are still there"}),
    Wrong("part: all the others", part(last="result = mask & ~result"), {"largest_part_test": "everything but the largest part"}),
    Wrong("part: rows only", part("((y, x - 1), (y, x + 1))"), {"largest_part_test": "above and below count as well"}),
    Wrong("part: scipy asked", {"largest_part": """
def largest_part(mask):
    from scipy import ndimage
    parts, _ = ndimage.label(mask)
    return parts == 1 + np.bincount(parts[mask] - 1).argmax()
"""}, {"largest_part_test": "leaves its work to scipy"}),
]

RIGHT = [
    Right("acc: loops", acc("max(sum(value >= 0.5 for value in row) / len(row) for row in ious)", "np.eye(3)")),
    Right("part: calls itself", {"largest_part": """
def largest_part(mask):
    parts, seen = [], set()
    def visit(y, x, part):
        if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and (y, x) not in seen:
            seen.add((y, x))
            part.append((y, x))
            for n in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                visit(*n, part)
        return part
    for start in zip(*np.nonzero(mask)):
        parts.append(visit(*start, []))
    result = np.zeros(mask.shape, bool)
    result[tuple(zip(*max(parts, key=len)))] = True
    return result
"""}),
    Right("sets of pixels, a breadth-first walk", {
        "iou": """
def iou(a, b):
    sides = [min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1)]
    if min(sides) <= 0:
        return 0.0
    both = np.prod(sides)
    return both / (np.prod(np.subtract(a[2:], a[:2])) + np.prod(np.subtract(b[2:], b[:2])) - both)
""",
        "largest_part": """
from collections import deque
def largest_part(mask):
    left, best = {(int(y), int(x)): None for y, x in np.argwhere(mask)}, []
    while left:
        start = next(iter(left))
        del left[start]
        part, queue = [start], deque([start])
        while queue:
            y, x = queue.popleft()
            for n in (y, x + 1), (y, x - 1), (y + 1, x), (y - 1, x):
                if n in left:
                    del left[n]
                    part.append(n)
                    queue.append(n)
        best = max(best, part, key=len)
    best = set(best)
    return np.array([[(y, x) in best for x in range(mask.shape[1])] for y in range(mask.shape[0])])
"""}),
    Right("np.nonzero; numbers that spread", {
        "box_from_map": """
def box_from_map(small, size, fraction):
    cell = np.array(size) / small.shape
    ys, xs = np.nonzero(small >= fraction * np.max(small))
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) * [*cell[::-1], *cell[::-1]]
""",
        "choose_and_report": """
def choose_and_report(valid_ious, test_ious, fractions):
    means = {f: sum(row) / len(row) for f, row in zip(fractions, valid_ious)}
    chosen = max(means, key=means.get)
    return [chosen, test_ious[list(fractions).index(chosen)].mean()]
""",
        "largest_part": """
def largest_part(mask):
    number = np.where(mask, np.arange(mask.size, 0, -1).reshape(mask.shape), 0)  # the first pixel of a part is the largest
    while True:
        framed, before = np.pad(number, 1), number
        number = np.maximum.reduce([framed[1:-1, 1:-1], framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:]]) * mask
        if (number == before).all():
            break
    count = np.bincount(number[mask])
    return number == len(count) - 1 - count[::-1].argmax()
"""}),
    Right("loops, floats, ReLU first", {
        "box_from_map": """
def box_from_map(small, size, fraction):
    small = np.maximum(small, 0)
    large = np.kron(small, np.ones((size[0] // len(small), size[1] // len(small[0]))))  # each cell as a block of pixels
    pixels = [(x, y) for y, row in enumerate(large) for x, value in enumerate(row) if value >= fraction * large.max()]
    return (float(min(x for x, _ in pixels)), float(min(y for _, y in pixels)),
            float(max(x for x, _ in pixels) + 1), float(max(y for _, y in pixels) + 1))
""",
        "iou": """
def iou(a, b):
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a, b
    both = np.clip(min(ax1, bx1) - max(ax0, bx0), 0, None) * np.clip(min(ay1, by1) - max(ay0, by0), 0, None)
    return both / ((ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - both)
"""}),
    Right("typed as fractions", hand(iou="both / a / ((a + b - both) / a)", cell="[8 * column, 8 * row, 8 * (column + 1), 8 * (row + 1)]")),
]
