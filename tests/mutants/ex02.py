"""Wrong and right answers to exercise 2."""

from exercise import SOLUTIONS, Right, Wrong, run

PEAK = "np.argwhere((my_maps[..., 0] == 5) & (my_maps[..., 2] == 3))[0]"
PATH = SOLUTIONS[0].parents[1] / "ex02_toy_5x5" / "ex02_toy_5x5.ipynb"


def paper(score="my_maps.mean(axis=(0, 1)) @ my_weights", peak=PEAK):
    return {"score_and_peak": f"score_of_class_1 = {score}\npeak_of_class_1 = {peak}\n"}


def pixel(moved="(n - 1) / 2", position="(my_pixel + 0.5) / n - 0.5", value="np.interp((my_pixel + 0.5) / n - 0.5, range(4), my_line)"):
    return {"one_pixel": f"n = my_pixels_per_cell\nmoved_by = {moved}\nmy_position = {position}\nmy_value = {value}\n"}


def line(position="(np.arange(n_out) + 0.5) * n_in / n_out - 0.5", result="np.interp(position, np.arange(n_in), line)"):
    return {"resize_line": f"def resize_line(line, n_out):\n    n_in = len(line)\n    position = {position}\n    return {result}\n"}


def whole(result, before="taller = np.array([resize(c, size[0]) for c in cam.T]).T"):
    return {"upsample": f"def upsample(cam, size, resize):\n    {before}\n    return {result}\n"}


def back(body):
    return {"shrink_back": "def shrink_back(large, grid, resize):\n    (h, w), (height, width) = grid, large.shape\n" + body}


WIDER = "np.array([resize(row, size[1]) for row in taller])"
neighbour = run(PATH, student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour",
          paper(repr(float(neighbour["score_of_class_1"])), repr(tuple(map(int, neighbour["peak_of_class_1"]))))
          | pixel(value=repr(float(neighbour["my_value"]))),
          {"score_test": "", "peak_test": "", "value_test": ""}),
    Wrong("paper: sum", paper(score="my_maps.sum(axis=(0, 1)) @ my_weights"), {"score_test": "a score averages them"}),
    Wrong("paper: mean of what isn't zero", paper(score="my_maps.sum(axis=(0, 1)) / [9, 1, 2] @ my_weights"),
          {"score_test": "divide by all 25 cells"}),
    Wrong("paper: column before row", paper(peak=PEAK + "[::-1]"),
          {"peak_test": "the row comes first"}),
    Wrong("paper: the largest weight wins", paper(peak="np.argwhere(my_maps[..., 2] == 4)[0]"),
          {"peak_test": "add up what all maps say"}),
    Wrong("paper: the largest activation wins", paper(peak="np.argwhere(my_maps == 9)[0][:2]"),
          {"peak_test": "weight times activation"}),
    Wrong("paper: weights ignored", paper(peak="np.unravel_index(my_maps.sum(axis=-1).argmax(), (5, 5))"),
          {"peak_test": "weight times activation"}),
    Wrong("paper: each map by itself", paper(peak="np.unravel_index((my_maps * my_weights).max(axis=-1).argmax(), (5, 5))"),
          {"peak_test": ""}),
    Wrong("pixel: counted from 1", pixel("(n + 1) / 2"), {"moved_test": "the last one isn't the number of pixels"}),
    Wrong("pixel: where it lands", pixel("4 * n - 1"), {"moved_test": "that is where it lands"}),
    Wrong("pixel: the true centre", pixel("4 * n - (n + 1) / 2"), {"moved_test": "that is its true centre"}),
    Wrong("pixel: half a cell", pixel("n / 2"), {"moved_test": "that is half a cell"}),
    Wrong("pixel: not moved", pixel("0"), {"moved_test": "it is moved"}),
    Wrong("pixel: its edge", pixel(position="my_pixel / n - 0.5"), {"position_test": "from the pixel's left edge"}),
    Wrong("pixel: half a cell missing", pixel(position="(my_pixel + 0.5) / n"), {"position_test": "half a cell is missing"}),
    Wrong("pixel: corner-aligned", pixel(position="my_pixel * 3 / (4 * n - 1)"), {"position_test": "that is corner alignment"}),
    Wrong("pixel: the nearest cell's number", pixel(position="my_pixel // n"), {"position_test": "position: "}),
    Wrong("pixel: nearest cell", pixel(value="my_line[my_pixel // n]"), {"value_test": "the nearest cell alone"}),
    Wrong("pixel: shares exchanged",
          pixel(value="np.interp(2 * int(my_position) + 1 - my_position, range(4), my_line)"),
          {"value_test": "the shares are exchanged"}),
    Wrong("pixel: the value at a wrong position", pixel(value="np.interp((my_pixel + 0.5) / n, range(4), my_line)"), {"value_test": "value: "}),

    Wrong("line: corner-aligned", line("np.arange(n_out) * (n_in - 1) / max(n_out - 1, 1)"), {"resize_line_test": "that is corner alignment"}),
    Wrong("line: half pixels missing", line("np.arange(n_out) * n_in / n_out"), {"resize_line_test": "the half pixels are missing"}),
    Wrong("line: nearest", line(result="line[np.arange(n_out) * n_in // n_out]"), {"resize_line_test": "took the nearest cell"}),
    Wrong("line: extrapolated", {"resize_line": """
def resize_line(line, n_out):
    position = (np.arange(n_out) + 0.5) * len(line) / n_out - 0.5
    left = np.floor(position).astype(int).clip(0, len(line) - 2)
    return line[left] + (position - left) * (line[left + 1] - line[left])
"""}, {"resize_line_test": "extrapolated beyond"}),
    Wrong("line: shares exchanged", {"resize_line": """
def resize_line(line, n_out):
    position = ((np.arange(n_out) + 0.5) * len(line) / n_out - 0.5).clip(0, len(line) - 1)
    left = np.floor(position).astype(int)
    right, share = np.ceil(position).astype(int), position - left
    return np.where(left == right, line[left], share * line[left] + (1 - share) * line[right])
"""}, {"resize_line_test": "the shares are exchanged"}),
    Wrong("line: whole multiples only", line("(np.arange(n_out) + 0.5) / (n_out // n_in) - 0.5"), {"resize_line_test": "3 cells to 8 pixels: "}),
    Wrong("line: whole numbers", {"resize_line": """
def resize_line(line, n_out):
    result = np.zeros(n_out, dtype=line.dtype)
    result[:] = np.interp((np.arange(n_out) + 0.5) * len(line) / n_out - 0.5, np.arange(len(line)), line)
    return result
"""}, {"resize_line_test": "rounded to whole numbers"}),
    Wrong("line: course_utils asked", line(result="__import__('course_utils.cam').cam.resize_matrix(n_in, n_out) @ line"),
          {"resize_line_test": "leaves its work to course_utils"}),
    Wrong("line: stops at the last cell", {"resize_line": """
def resize_line(line, n_out):
    position = ((np.arange(n_out) + 0.5) * len(line) / n_out - 0.5).clip(0, len(line) - 1)
    left = np.floor(position).astype(int)
    return (1 - position + left) * line[left] + (position - left) * line[left + 1]
"""}, {"resize_line_test": "resize_line, given (2,), 4, stops: IndexError"}),

    Wrong("map: rows only", whole("np.array([resize(row, size[1]) for row in cam])"), {"upsample_test": "enlarge rows and columns"}),
    Wrong("map: width before height", whole("np.array([resize(row, size[0]) for row in taller])",
                                            "taller = np.array([resize(c, size[1]) for c in cam.T]).T"),
          {"upsample_test": "size is height, then width"}),
    Wrong("map: ReLU first", whole(WIDER, "taller = np.array([resize(np.maximum(c, 0), size[0]) for c in cam.T]).T"),
          {"upsample_test": "cut off before enlarging"}),
    Wrong("map: ReLU last", whole(f"np.maximum({WIDER}, 0)"), {"upsample_test": "leave the map signed"}),
    Wrong("map: normalised", whole("np.maximum(large, 0) / large.max()",
                                   "large = np.array([resize(r, size[1]) for r in np.array([resize(c, size[0]) for c in cam.T]).T])"),
          {"upsample_test": "upsample: normalised; raw"}),
    Wrong("map: normalised too early", whole(WIDER, "taller = np.array([resize(np.maximum(c, 0) / cam.max(), size[0]) for c in cam.T]).T"),
          {"upsample_test": "normalised before enlarging"}),
    Wrong("map: nearest cells", whole("np.repeat(np.repeat(cam, size[0] // cam.shape[0], 0), size[1] // cam.shape[1], 1)", "pass"),
          {"upsample_test": "each pixel took the nearest cell"}),
    Wrong("map: zoom as it comes", whole("__import__('scipy.ndimage').ndimage.zoom(cam, np.array(size) / cam.shape, order=1)", "pass"),
          {"upsample_test": "leaves its work to scipy"}),
    Wrong("map: corner-aligned", whole("np.array([np.interp(np.linspace(0, len(r) - 1, size[1]), range(len(r)), r) for r in taller])",
                                       "taller = np.array([np.interp(np.linspace(0, len(c) - 1, size[0]), range(len(c)), c) for c in cam.T]).T"),
          {"upsample_test": "corners were matched"}),
    Wrong("map: `resize` ignored", whole("np.array([resize_line(row, size[1]) for row in taller])",
                                         "taller = np.array([resize_line(c, size[0]) for c in cam.T]).T"),
          {"upsample_test": "upsample with another `resize`"}),
    Wrong("map: all lines at once", whole("resize(taller.T, size[1]).T", "taller = resize(cam, size[0])"), {"upsample_test": "resize takes one line"}),

    Wrong("back: block means", back("    return large.reshape(h, height // h, w, width // w).mean(axis=(1, 3))\n"), {"shrink_back_test": "block means come near"}),
    Wrong("back: middle pixels", back("    return large[height // h // 2::height // h, width // w // 2::width // w]\n"),
          {"shrink_back_test": "a pixel near the centre"}),
    Wrong("back: transposed instead of inverted", back("""
    R, C = (np.array([resize(e, m) for e in np.eye(n)]) for n, m in zip(grid, large.shape))
    return R @ large @ C.T
"""), {"shrink_back_test": "n't right"}),
    Wrong("back: its own way to enlarge", back("""
    R, C = (np.array([resize_line(e, m) for e in np.eye(n)]).T for n, m in zip(grid, large.shape))
    return np.linalg.pinv(R) @ large @ np.linalg.pinv(C).T
"""), {"shrink_back_test": "shrink_back with another `resize`"}),
    Wrong("back: square maps only", back("""
    R = np.array([resize(e, height) for e in np.eye(h)]).T
    return np.linalg.pinv(R) @ large @ np.linalg.pinv(R).T
"""), {"shrink_back_test": "stops: ValueError: matmul"}),
    Wrong("back: all lines at once", back("""
    R, C = (resize(np.eye(n), m) for n, m in zip(grid, large.shape))
    return np.linalg.pinv(R) @ large @ np.linalg.pinv(C).T
"""), {"shrink_back_test": "resize takes one line"}),
]

RIGHT = [
    Right("a matrix of shares", {
        "resize_line": """
def resize_line(line, n_out):
    n_in = len(line)
    position = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
    return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(n_in))) @ line
""",
        "upsample": """
def upsample(cam, size, resize):
    R, C = (np.array([resize(e, m) for e in np.eye(n)]) for n, m in zip(cam.shape, size))
    return np.einsum("hH,hw,wW->HW", R, cam, C)
""",
        "shrink_back": """
def shrink_back(large, grid, resize):
    (h, w), (height, width) = grid, large.shape
    R = np.array([resize(e, height) for e in np.eye(h)]).T
    C = np.array([resize(e, width) for e in np.eye(w)]).T
    half = np.linalg.lstsq(R, large, rcond=None)[0]
    return np.linalg.lstsq(C, half.T, rcond=None)[0].T
"""}),
    Right("loops", {
        "resize_line": """
def resize_line(line, n_out):
    result = []
    for i in range(n_out):
        position = min(max((i + 0.5) * len(line) / n_out - 0.5, 0), len(line) - 1)
        left = int(position)
        right = min(left + 1, len(line) - 1)
        result.append(line[left] + (position - left) * (line[right] - line[left]))
    return result
""",
        "upsample": """
def upsample(cam, size, resize):
    wider = np.zeros((cam.shape[0], size[1]))
    for i, row in enumerate(cam):
        wider[i] = resize(row, size[1])
    result = np.zeros(size)
    for j in range(size[1]):
        result[:, j] = resize(wider[:, j], size[0])
    return result
""",
        "shrink_back": """
def shrink_back(large, grid, resize):
    h, w = grid
    pictures = []
    for y in range(h):
        for x in range(w):
            one = np.zeros(grid)
            one[y, x] = 1
            pictures.append(upsample(one, large.shape, resize).ravel())
    return np.linalg.lstsq(np.array(pictures).T, large.ravel(), rcond=None)[0].reshape(grid)
"""}),
    Right("apply_along_axis and the normal equations", {
        "upsample": """
def upsample(cam, size, resize):
    return np.apply_along_axis(resize, 1, np.apply_along_axis(resize, 0, cam, size[0]), size[1])
""",
        "shrink_back": """
def shrink_back(large, grid, resize):
    R, C = (np.array([resize(e, m) for e in np.eye(n)]) for n, m in zip(grid, large.shape))
    return np.linalg.solve(R @ R.T, R @ large @ C.T) @ np.linalg.inv(C @ C.T)
"""}),
    Right("lists, and columns as tuples", {
        "upsample": """
def upsample(cam, size, resize):
    wide = [list(resize(list(row), size[1])) for row in cam]
    return [list(row) for row in zip(*[resize(col, size[0]) for col in zip(*wide)])]
""",
        "shrink_back": """
def shrink_back(large, grid, resize):
    R, C = (np.array([resize([1.0 if j == i else 0.0 for j in range(n)], m) for i in range(n)]).T
            for n, m in zip(grid, large.shape))
    return np.linalg.pinv(R) @ large @ np.linalg.pinv(C).T
"""}),
    Right("typed as fractions", pixel("(n - 1) / 2 / 1", position="(2 * my_pixel + 1) / (2 * n) - 1 / 2") | paper(peak=f"[int(i) for i in {PEAK}]")),
    Right("typed to three decimals", pixel(position="round((my_pixel + 0.5) / n - 0.5, 3)")),
]
