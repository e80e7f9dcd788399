"""Wrong and right answers to exercise 7."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = dict(hires="(my_G * my_A)[my_cell].sum()", layer="(np.maximum(my_G, 0) * my_A)[my_cell].sum()",
            plus_plus="g / (2 + g * my_A[..., 0].sum())", product="my_guided * max(mixed, 0)")


def hand(**other):
    assert set(other) <= set(HAND)
    lines = ["g = my_G[..., 0].max()", "mixed = my_G.mean(axis=(0, 1)) @ my_A[my_pixel]"]
    return {"by_hand": "\n".join(lines + [f"{name} = {value}" for name, value in (HAND | other).items()])}


def methods(**other):
    """The right numbers, some of them replaced by an expression of `right`."""
    names = [f"method_of_{letter}" for letter in "abcd"]
    right = """
A, G, shown = riddle(variant(my_id))
made = [one(A[None], G[None])[0] for one in (gradients.grad_cam_map, gradients.hires_cam_map, gradients.grad_cam_plus_plus_map,
                                             gradients.layer_cam_map, gradients.eigen_cam_map)]
right = [1 + min(range(5), key=lambda i: np.abs(made[i] / np.abs(made[i]).max() - m).max()) for m in shown]
"""
    return {"methods": "\n".join([right] + [f"{n} = {other.get(n[-1], f'right[{i}]')}" for i, n in enumerate(names)])}


def faulty(value):
    return {"faulty": f"faulty = {value}"}


STEPS = dict(weights=("G", "G.mean(axis=(1, 2))"), signed_map=("A, weights", "(A * weights[:, None, None]).sum(axis=-1)"),
             evidence=("cams", "np.maximum(cams, 0)"), strongest_cell=("cam", "np.unravel_index(cam.argmax(), cam.shape)"),
             pixel_centres=("n_cells, n_pixels", "(np.arange(n_pixels) + 0.5) * n_cells / n_pixels - 0.5"),
             enlarged=("cam, size", "lines(lines(cam.T, size[0]).T, size[1])"), mean_evidence=("cams", "cams.mean(axis=(1, 2))"))

# The colleague's step 6, line by line.
LINES = """
def lines(maps, pixels):
    return np.stack([np.interp(PLACES(maps.shape[1], pixels), np.arange(maps.shape[1]), line) for line in maps])

"""


def mended(places="pixel_centres", **other):
    assert set(other) <= set(STEPS)
    return {"mended": LINES.replace("PLACES", places) + "\n\n".join(f"def {name}({given}):\n    return {other.get(name, right)}\n"
                                  for name, (given, right) in STEPS.items())}


def proof(body, A="np.random.default_rng(0).uniform(size=(2, 3, 4, 4))", w="np.array([[1.0, -2.0, 0.5, -0.3], [-1.0, 0.7, 2.0, -0.4]])",
          caught="return False", asked="np.array(signed_map(A, given))"):
    return {"is_right": f"""
def is_right(weights, signed_map):
    A, w = {A}, {w}
    Z = A.shape[1] * A.shape[2]
    right = np.einsum("bhwk,bk->bhw", A, w) / Z
    try:
        given = weights(np.broadcast_to((w / Z)[:, None, None], A.shape))
        found = {asked}
    except Exception:
        {caught}
    return {body}
"""}


SAME = "found.shape == right.shape and bool(np.allclose(found, right))"


def guided(result, large="enlarge(kept, guided.shape[1:3])[..., None]", kept="np.maximum(cams, 0)"):
    return {"guided_grad_cam": f"def guided_grad_cam(guided, cams, enlarge):\n    kept = {kept}\n    large = {large}\n    return {result}\n"}


neighbour = run(SOLUTIONS[0].parents[1] / "ex07_grad_cam_family" / "ex07_grad_cam_family.ipynb", student="eve").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in HAND}),
          {"hires_test": "HiResCAM", "layer_test": "LayerCAM", "plus_plus_test": "weight of map 0", "product_test": "Guided Grad-CAM"}),
    Wrong("HiResCAM: mean gradients", hand(hires="my_G.mean(axis=(0, 1)) @ my_A[my_cell]"), {"hires_test": "that is Grad-CAM"}),
    Wrong("HiResCAM: negative left out", hand(hires="(np.maximum(my_G, 0) * my_A)[my_cell].sum()"), {"hires_test": "the negative gradient counts"}),
    Wrong("HiResCAM: gradients alone", hand(hires="my_G[my_cell].sum()"), {"hires_test": "those are the gradients alone"}),
    # No known mistake: it must not get the name of one.
    Wrong("HiResCAM: some number", hand(hires="1234.5"), {"hires_test": "HiResCAM: 1234 isn't right"}),
    Wrong("LayerCAM: negative kept", hand(layer="(my_G * my_A)[my_cell].sum()"), {"layer_test": "the negative gradient is left out"}),
    Wrong("LayerCAM: gradients alone", hand(layer="np.maximum(my_G[my_cell], 0).sum()"), {"layer_test": "is multiplied with its map"}),
    Wrong("Grad-CAM++: mean gradient", hand(plus_plus="my_G[..., 0].mean()"), {"plus_plus_test": "the mean gradient"}),
    Wrong("Grad-CAM++: alpha only", hand(plus_plus="1 / (2 + g * my_A[..., 0].sum())"), {"plus_plus_test": "that is alpha"}),
    Wrong("Grad-CAM++: one cell only", hand(plus_plus="g / (2 + g * my_A[..., 0][my_G[..., 0] > 0][0])"), {"plus_plus_test": "over all four cells"}),
    Wrong("Grad-CAM++: other map", hand(plus_plus="1 / (2 + my_A[..., 1].sum()) + 2 / (2 + 2 * my_A[..., 1].sum())"),
          {"plus_plus_test": "the weight of the other map"}),
    Wrong("Grad-CAM++: nothing", hand(plus_plus="None"), {"plus_plus_test": "nothing was given yet"}),
    Wrong("Grad-CAM++: some number", hand(plus_plus="1234.5"), {"plus_plus_test": "in Grad-CAM++: 1234 isn't right"}),
    Wrong("Grad-CAM++: no ReLU", hand(plus_plus="g / (2 + g * my_A[..., 0].sum()) - 1 / (2 - my_A[..., 0].sum())"), {"plus_plus_test": "dropped by the ReLU"}),
    Wrong("guided product: sign dropped", hand(product="-my_guided * mixed"), {"product_test": "keep their sign"}),
    Wrong("guided product: added", hand(product="my_guided + mixed"), {"product_test": "multiply them"}),
    Wrong("guided product: gradients added up", hand(product="4 * my_guided * mixed"), {"product_test": "a weight is their mean"}),

    *[Wrong(f"map {letter}: another method", methods(**{letter: f"1 + right[{i}] % 5"}), {f"map_{letter}_test": "fit"})
      for i, letter in enumerate("abcd")],
    Wrong("maps: counted from 0", methods(a="0", b="0", c="0"), {f"map_{letter}_test": "from 1 to 5" for letter in "abc"}),

    Wrong("maps: no method's number", methods(b="6"), {"map_b_test": "from 1 to 5"}),
    Wrong("maps: not answered", methods(c="None"), {"map_c_test": "nothing was given yet"}),

    Wrong("faulty: one missing", faulty("[1, 2, 3, 7]"), {"faulty_test": "4 steps are in your list, expected five"}),
    Wrong("faulty: all", faulty("list(range(1, 8))"), {"faulty_test": "7 steps are in your list, expected five"}),
    Wrong("faulty: the one that calls another", faulty("[1, 2, 3, 6, 7]"), {"faulty_test": "and 1 that are in order"}),
    Wrong("faulty: one number", faulty("5"), {"faulty_test": "give a list"}),
    Wrong("faulty: twice", faulty("[1, 1, 2, 3, 5, 7]"), {"faulty_test": "each once"}),

    Wrong("mended: weights as they were", mended(weights="G.mean(axis=(1, 3))"), {"weights_test": "averaged over rows and maps"}),
    Wrong("mended: weights, columns and maps", mended(weights="G.mean(axis=(2, 3))"), {"weights_test": "averaged over columns and maps"}),
    Wrong("mended: weights, negative ones left out", mended(weights="np.maximum(G, 0).mean(axis=(1, 2))"), {"weights_test": "negative gradients count as well"}),
    Wrong("mended: weights, made for the visible shapes only", mended(weights="G.sum(axis=(1, 2)) / (4 if len(G) == 2 else 3)"),
          {"weights_test": "n't right"}),
    Wrong("mended: weights, sum", mended(weights="G.sum(axis=(1, 2))"), {"weights_test": "take their mean"}),
    Wrong("mended: weights, one for all", mended(weights="np.zeros((len(G), 1)) + G.mean(axis=(0, 1, 2))"), {"weights_test": "one mean for all pictures"}),
    Wrong("mended: weights, no pictures", mended(weights="G.mean(axis=(0, 1, 2))"), {"weights_test": "weights: shape is"}),
    Wrong("mended: weights, asked course_utils", mended(weights="__import__('course_utils.cam').cam.global_average_pooling(G)"),
          {"weights_test": "leaves its work to course_utils"}),
    Wrong("mended: map as it was", mended(signed_map="np.maximum(A * weights[:, None, None], 0).sum(axis=-1)"), {"signed_map_test": "cut off before the sum"}),
    Wrong("mended: map, ReLU", mended(signed_map="np.maximum((A * weights[:, None, None]).sum(axis=-1), 0)"), {"signed_map_test": "the signed map is wanted"}),
    Wrong("mended: map, mean", mended(signed_map="(A * weights[:, None, None]).mean(axis=-1)"), {"signed_map_test": "the maps were averaged"}),
    Wrong("mended: map, not added up", mended(signed_map="A * weights[:, None, None]"), {"signed_map_test": "add up over the maps"}),
    Wrong("mended: evidence as it was", mended(evidence="np.abs(cams)"), {"evidence_test": "abs turns evidence"}),
    Wrong("mended: evidence, moved up", mended(evidence="cams - cams.min(axis=(1, 2), keepdims=True)"), {"evidence_test": "the map was moved up"}),
    Wrong("mended: evidence, normalised", mended(evidence="np.maximum(cams, 0) / np.maximum(cams, 0).max(axis=(1, 2), keepdims=True)"),
          {"evidence_test": "divided by its maximum"}),
    Wrong("mended: strongest cell, in a line", mended(strongest_cell="cam.argmax()"), {"evidence_test": "the place in a line"}),
    Wrong("mended: strongest cell, column first", mended(strongest_cell="np.unravel_index(cam.argmax(), cam.shape)[::-1]"), {"evidence_test": "the row comes first"}),
    Wrong("mended: strongest cell, magnitude", mended(strongest_cell="np.unravel_index(np.abs(cam).argmax(), cam.shape)"),
          {"evidence_test": "a strongly negative cell"}),
    Wrong("mended: enlarged by the old step 5", mended(places="step_5"), {"pixel_centres_test": "let it call your `pixel_centres`"}),
    Wrong("mended: enlarged in blocks", mended(enlarged="cam.repeat(size[0] // len(cam), axis=0).repeat(size[1] // cam.shape[1], axis=1)"),
          {"pixel_centres_test": "each cell became a block"}),
    Wrong("mended: enlarged, columns first", mended(enlarged="lines(lines(cam.T, size[1]).T, size[0])"), {"pixel_centres_test": "the rows come first"}),
    Wrong("mended: all copied", {"mended": "\n".join(f"{name} = step_{n}" for n, name in enumerate(STEPS, start=1))},
          {"weights_test": "averaged over rows and maps", "signed_map_test": "cut off before the sum", "evidence_test": "abs turns evidence",
           "pixel_centres_test": "the first and the last centres lie", "mean_evidence_test": "divided by its own maximum"}),
    Wrong("mended: centres, no half pixel added", mended(pixel_centres="np.arange(n_pixels) * n_cells / n_pixels - 0.5"),
          {"pixel_centres_test": "half a cell is taken off"}),
    Wrong("mended: centres as they were", mended(pixel_centres="np.linspace(0, n_cells - 1, n_pixels)"), {"pixel_centres_test": "the first and the last centres lie on each other"}),
    Wrong("mended: centres, no half pixel", mended(pixel_centres="np.arange(n_pixels) * n_cells / n_pixels"), {"pixel_centres_test": "half a pixel from the edge"}),
    Wrong("mended: centres from the edge", mended(pixel_centres="(np.arange(n_pixels) + 0.5) * n_cells / n_pixels"), {"pixel_centres_test": "not its edge"}),
    Wrong("mended: centres, whole cells", mended(pixel_centres="np.arange(n_pixels) * n_cells // n_pixels"), {"pixel_centres_test": "the number of its cell"}),
    Wrong("mended: mean as it was", mended(mean_evidence="(cams / cams.max(axis=(1, 2), keepdims=True)).mean(axis=(1, 2))"),
          {"mean_evidence_test": "was divided by its own maximum"}),
    Wrong("mended: mean, one maximum", mended(mean_evidence="(cams / cams.max()).mean(axis=(1, 2))"), {"mean_evidence_test": "divided by one maximum"}),
    Wrong("mended: mean, sum", mended(mean_evidence="cams.sum(axis=(1, 2))"), {"mean_evidence_test": "that is the sum"}),
    Wrong("mended: mean, of the cells with evidence", mended(mean_evidence="cams.sum(axis=(1, 2)) / np.maximum((cams > 0).sum(axis=(1, 2)), 1)"),
          {"mean_evidence_test": "all cells count"}),
    Wrong("mended: mean, one number", mended(mean_evidence="cams.mean()"), {"mean_evidence_test": "one number per picture"}),

    Wrong("proof: always right", proof("True"), {"is_right_test": "is_right says True of weights and a map that are 0"}),
    Wrong("proof: always wrong", proof("False"), {"is_right_test": "is_right says False of two steps that are right"}),
    Wrong("proof: Z forgotten", proof("bool(np.allclose(found, Z * right))"), {"is_right_test": "is_right says False of two steps"}),
    Wrong("proof: positive weights only", proof(SAME, w="np.array([[1.0, 2.0, 0.5, 0.3], [1.0, 0.7, 2.0, 0.4]])"), {"is_right_test": "is_right says True of a ReLU"}),
    Wrong("proof: a factor is let pass", proof("bool(np.corrcoef(found.ravel(), right.ravel())[0, 1] > 0.999)"),
          {"is_right_test": "is_right says True of gradients that were added up"}),
    Wrong("proof: one weight only", proof(SAME, A="np.random.default_rng(0).uniform(size=(2, 3, 4, 2))", w="np.array([[-2.0, -2.0], [3.0, 3.0]])"),
          {"is_right_test": "is_right says True of gradients averaged over the maps, too"}),
    Wrong("proof: the same weights for all pictures", proof(SAME, w="np.array([[1.0, -2.0, 0.5, -0.3]] * 2)"), {"is_right_test": "averaged over the pictures, too"}),
    Wrong("proof: one picture", proof(SAME, A="np.random.default_rng(0).uniform(size=(1, 3, 4, 4))", w="np.array([[1.0, -2.0, 0.5, -0.3]])"), {"is_right_test": "averaged over the pictures, too"}),
    Wrong("proof: step 1 doesn't fit", proof(SAME, A="np.ones((2, 3, 4, 5))", w="np.array([[1.0, -2, 3, -4, 5], [2.0, 3, -1, -1, 1]])", caught="raise"),
          {"is_right_test": "stops: ValueError: operands could not be broadcast"}),
    Wrong("proof: an error stops it", proof(SAME, caught="raise"), {"is_right_test": "stops: ValueError: this step stops"}),
    Wrong("proof: only the first step may stop", proof("(lambda found: bool(np.allclose(found, right)))(signed_map(A, given))", asked="None"),
          {"is_right_test": "stops: ValueError: this step stops"}),
    Wrong("proof: by sums", proof("bool(np.allclose(found.sum(axis=(1, 2)), right.sum(axis=(1, 2))))"), {"is_right_test": "is_right says True of maps whose columns are mirrored"}),
    Wrong("proof: by sums of columns", proof("bool(np.allclose(found.sum(axis=1), right.sum(axis=1)))"), {"is_right_test": "is_right says True of maps whose rows are mirrored"}),
    Wrong("proof: by the sizes of numbers", proof("bool(np.allclose(np.sort(found.ravel()), np.sort(right.ravel())))"), {"is_right_test": "is_right says True of maps whose columns are mirrored"}),
    Wrong("proof: the first picture only", proof("bool(np.allclose(found[0], right[0]))"), {"is_right_test": "is_right says True of maps of which the last is wrong"}),
    Wrong("proof: the last picture only", proof("bool(np.allclose(found[-1], right[-1]))"), {"is_right_test": "is_right says True of maps of which the first is wrong"}),
    Wrong("proof: an array", proof("np.isclose(found, right)"), {"is_right_test": "give back True or False"}),

    Wrong("guided: added", guided("guided + large"), {"guided_grad_cam_test": "multiply them"}),
    Wrong("guided: abs", guided("abs(guided) * large"), {"guided_grad_cam_test": "abs hides the sign"}),
    Wrong("guided: ReLU on the picture", guided("np.maximum(guided, 0) * large"), {"guided_grad_cam_test": "it is the map that is cut off"}),
    Wrong("guided: ReLU on the product", guided("np.maximum(guided * large, 0)", kept="cams"), {"guided_grad_cam_test": "the product was cut off"}),
    Wrong("guided: no ReLU", guided("guided * large", kept="cams"), {"guided_grad_cam_test": "the map's ReLU is missing"}),
    Wrong("guided: abs of the map", guided("guided * large", kept="abs(cams)"), {"guided_grad_cam_test": "into one for it"}),
    Wrong("guided: enlarged, then cut off", guided("guided * np.maximum(large, 0)", kept="cams"), {"guided_grad_cam_test": "soft edges: cut off after enlarging"}),
    Wrong("guided: colours averaged", guided("(guided * large).mean(axis=-1)"), {"guided_grad_cam_test": "the colours were averaged"}),
    Wrong("guided: normalised", guided("guided * large / np.abs(guided * large).max()"), {"guided_grad_cam_test": "example: scaled to its maximum"}),
    Wrong("guided: map normalised", guided("guided * large / large.max()"), {"guided_grad_cam_test": "the map was scaled"}),
    Wrong("guided: no axis for the colours", guided("guided * large[..., 0]"), {"guided_grad_cam_test": "stops: ValueError: operands could not be broadcast"}),
    Wrong("guided: always blocks", guided("guided * large", "in_blocks(kept, guided.shape[1:3])[..., None]"), {"guided_grad_cam_test": "call `enlarge`, whatever it is"}),
    Wrong("guided: not enlarged", guided("guided * kept[..., None]"), {"guided_grad_cam_test": "stops: ValueError: operands could not be broadcast"}),
]

RIGHT = [
    Right("loops", {
        "mended": """
def weights(G):
    B, h, w, K = G.shape
    return [[sum(G[b, i, j, k] for i in range(h) for j in range(w)) / (h * w) for k in range(K)] for b in range(B)]

def signed_map(A, weights):
    total = np.zeros(A.shape[:3])
    for b in range(len(A)):
        for k in range(A.shape[3]):
            total[b] += weights[b, k] * A[b, :, :, k]
    return total

def evidence(cams):
    kept = cams.copy()
    kept[kept < 0] = 0
    return kept

def strongest_cell(cam):
    h, w = cam.shape
    return max(((i, j) for i in range(h) for j in range(w)), key=lambda place: cam[place])

def pixel_centres(n_cells, n_pixels):
    return [((i + 0.5) / n_pixels * n_cells) - 0.5 for i in range(n_pixels)]

def enlarged(cam, size):
    large = np.zeros(size)
    for i, y in enumerate(pixel_centres(cam.shape[0], size[0])):
        for j, x in enumerate(pixel_centres(cam.shape[1], size[1])):
            beside = [np.interp(x, range(cam.shape[1]), row) for row in cam]
            large[i, j] = np.interp(y, range(len(cam)), beside)
    return large

def mean_evidence(cams):
    return [one.mean() for one in cams]
""",
        "guided_grad_cam": """
def guided_grad_cam(guided, cams, enlarge):
    kept = np.array([[[max(value, 0) for value in row] for row in one] for one in cams])
    large, result = enlarge(kept, guided.shape[1:3]), np.empty(guided.shape)
    for b in range(len(guided)):
        for colour in range(guided.shape[3]):
            result[b, ..., colour] = guided[b, ..., colour] * large[b]
    return result
"""}),
    Right("einsum, and clipped centres", mended(weights="np.einsum('bhwk->bk', G) / (G.shape[1] * G.shape[2])",
                                                signed_map="np.einsum('bhwk,bk->bhw', A, weights)", evidence="cams * (cams > 0)",
                                                pixel_centres="np.clip((2 * np.arange(n_pixels) + 1) * n_cells / (2 * n_pixels) - 0.5, 0, n_cells - 1)",
                                                mean_evidence="cams.reshape(len(cams), -1).mean(axis=1)")
          | guided("np.einsum('bhwc,bhw->bhwc', guided, large[..., 0])")),
    Right("a proof by the largest gap, a tuple of steps, NumPy's bool",
          proof("np.abs(found - right).max() < 1e-9")
          | faulty("(7, 5, 3, 2, 1)")),
    Right("a proof that step 1 can't run in, and a cut by a mask",
          proof(SAME, A="np.random.default_rng(1).uniform(size=(3, 2, 4, 5))", w="np.random.default_rng(2).normal(size=(3, 5))")
          | guided("guided * large", kept="cams * (cams > 0)")),
    Right("typed as decimals", hand(hires="float((my_G * my_A)[my_cell].sum())", plus_plus="round(float(g / (2 + g * my_A[..., 0].sum())), 4)")
          | methods(a="float(right[0])")),
]
