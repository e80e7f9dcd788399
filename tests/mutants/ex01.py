"""Wrong and right answers to exercise 1."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
F = my_maps[0].mean(axis=(0, 1))
mean_of_map_1 = {mean}
score_of_class_0 = {score}
lower_left_of_class_0 = {cell}
"""
MEAN, SCORE, CELL = "F[1]", "F @ my_weights[:, 0] + my_bias[0]", "my_maps[0, 1, 0] @ my_weights[:, 0]"


def hand(mean=MEAN, score=SCORE, cell=CELL):
    return {"by_hand": HAND.format(mean=mean, score=score, cell=cell)}


def scores(result, before=""):
    return {"class_scores": f"def class_scores(feature_maps, class_weights, bias):\n    {before}\n    return {result}\n"}


def maps(result, before=""):
    return {"class_activation_maps": f"def class_activation_maps(feature_maps, class_weights):\n    {before}\n    return {result}\n"}


def part(result, before="cam = np.einsum('bhwk,kb->bhw', feature_maps, class_weights[:, class_idx])"):
    return {"score_from": f"def score_from(feature_maps, class_weights, class_idx, mask):\n    {before}\n    return {result}\n"}


neighbour = run(SOLUTIONS[0].parents[1] / "ex01_from_scores_to_maps" / "ex01_from_scores_to_maps.ipynb", student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour",
          hand(*(repr(float(neighbour[n])) for n in ("mean_of_map_1", "score_of_class_0", "lower_left_of_class_0"))),
          {"mean_test": "n't right", "score_test": "n't right", "cell_test": "n't right"}),
    Wrong("by hand: the sum of the map", hand(mean="4 * F[1]"), {"mean_test": "that is the sum of its 4 cells"}),
    Wrong("by hand: bias forgotten", hand(score="F @ my_weights[:, 0]"), {"score_test": "the bias is missing"}),
    Wrong("by hand: the other class", hand(score="F @ my_weights[:, 1] + my_bias[1]"), {"score_test": "the score of class 1"}),
    Wrong("by hand: sums weighed", hand(score="4 * F @ my_weights[:, 0] + my_bias[0]"), {"score_test": "average them"}),
    Wrong("by hand: bias in the cell", hand(cell=CELL + " + my_bias[0]"), {"cell_test": "to no cell"}),
    Wrong("by hand: column before row", hand(cell="my_maps[0, 0, 1] @ my_weights[:, 0]"), {"cell_test": "the row comes first"}),
    Wrong("by hand: nothing", hand(cell="None"), {"cell_test": "nothing was given yet"}),

    Wrong("scores: sum for mean", scores("feature_maps.sum(axis=(1, 2)) @ class_weights + bias"),
          {"class_scores_test": "added up, not averaged"}),
    Wrong("scores: bias forgotten", scores("feature_maps.mean(axis=(1, 2)) @ class_weights"),
          {"class_scores_test": "the bias is missing"}),
    Wrong("scores: softmax", scores("np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)",
                                    "S = feature_maps.mean(axis=(1, 2)) @ class_weights + bias"),
          {"class_scores_test": "without softmax"}),
    Wrong("scores: averaged over channels", scores("feature_maps.mean(axis=-1)"),
          {"class_scores_test": "you averaged over channels; shape is (2, 4, 5), expected (B, C) = (2, 3)"}),
    Wrong("scores: not averaged", scores("feature_maps @ class_weights + bias"), {"class_scores_test": "nothing was averaged"}),
    Wrong("scores: images averaged, too", scores("feature_maps.mean(axis=(0, 1, 2)) @ class_weights + bias"),
          {"class_scores_test": "over the images as well"}),
    Wrong("scores: weights transposed", scores("feature_maps.mean(axis=(1, 2)) @ class_weights.T + bias"),
          {"class_scores_test": "given (2, 4, 5, 6), (6, 3), (3,), stops: ValueError: matmul"}),
    Wrong("scores: weights reshaped", scores("feature_maps.mean(axis=(1, 2)) @ class_weights.reshape(class_weights.T.shape).T + bias"),
          {"class_scores_test": "reshape shuffles the weights"}),
    Wrong("scores: course_utils asked", scores("cam.class_scores(feature_maps, class_weights, bias)", "from course_utils import cam"),
          {"class_scores_test": "leaves its work to course_utils"}),
    Wrong("scores: made for the visible shape only", scores("feature_maps.reshape(2, 20, 6).mean(axis=1) @ class_weights + bias"),
          {"class_scores_test": "stops: ValueError: cannot reshape"}),

    Wrong("maps: ReLU at the end", maps("np.maximum(feature_maps @ class_weights, 0)"),
          {"class_activation_maps_test": "evidence against the class was cut off"}),
    Wrong("maps: ReLU before the sum", maps("np.maximum(feature_maps, 0) @ class_weights"),
          {"class_activation_maps_test": "cut off before they were weighed"}),
    Wrong("maps: abs", maps("np.abs(feature_maps @ class_weights)"), {"class_activation_maps_test": "abs turns evidence"}),
    Wrong("maps: of one class", maps("feature_maps @ class_weights[:, 0]"), {"class_activation_maps_test": "one map an image"}),
    Wrong("maps: with the bias", maps("feature_maps @ class_weights + np.array([1.0, -2.0, 3.0])[:class_weights.shape[1]]"),
          {"class_activation_maps_test": "to the score and to no cell"}),
    Wrong("maps: averaged", maps("feature_maps.mean(axis=(1, 2)) @ class_weights"),
          {"class_activation_maps_test": "you averaged the cells away"}),
    Wrong("maps: divided by Z", maps("feature_maps @ class_weights / feature_maps[0, ..., 0].size"),
          {"class_activation_maps_test": "divided by the number of cells"}),
    Wrong("maps: scaled to [0, 1]", maps("(M - M.min()) / (M.max() - M.min())", "M = feature_maps @ class_weights"),
          {"class_activation_maps_test": "stretched from 0 to 1"}),
    Wrong("maps: scaled to [-1, 1]", maps("M / np.abs(M).max(axis=(1, 2), keepdims=True)", "M = feature_maps @ class_weights"),
          {"class_activation_maps_test": "scaled to their maximum"}),
    Wrong("maps: channels first", maps("np.einsum('bhwk,kc->bchw', feature_maps, class_weights)"),
          {"class_activation_maps_test": "the classes come last"}),
    Wrong("maps: weights reshaped", maps("feature_maps @ class_weights.reshape(class_weights.T.shape).T"),
          {"class_activation_maps_test": "reshape shuffles the weights"}),
    Wrong("maps: feature maps overwritten", maps("feature_maps @ class_weights", "feature_maps -= 1e-9"),
          {"class_activation_maps_test": "changes the arrays it was given"}),

    Wrong("part: mean within the mask", part("np.array([m[inside].mean() if inside.any() else 0.0 for m, inside in zip(cam, mask)])"),
          {"score_from_test": "the mean over the masked cells only"}),
    Wrong("part: sum", part("(cam * mask).sum(axis=(1, 2))"), {"score_from_test": "the cells were added up"}),
    Wrong("part: one class for all", part("(cam * mask).mean(axis=(1, 2))", "cam = feature_maps @ class_weights[:, class_idx[0]]"),
          {"score_from_test": "the first one's class"}),
    Wrong("part: each image with each class", part("(cam * mask[..., None]).mean(axis=(1, 2))", "cam = feature_maps @ class_weights[:, class_idx]"),
          {"score_from_test": "shape is (B, B)"}),
    Wrong("part: ReLU", part("(np.maximum(cam, 0) * mask).mean(axis=(1, 2))"), {"score_from_test": "it was cut off"}),
    Wrong("part: NaN where the mask is empty",
          part("np.array([m[inside].mean() * inside.mean() for m, inside in zip(cam, mask)])"),
          {"score_from_test": "NaN or infinite"}),
]

RIGHT = [
    Right("loops", {
        "class_scores": """
def class_scores(feature_maps, class_weights, bias):
    B, H, W, K = feature_maps.shape
    result = []
    for image in feature_maps:
        F = sum(image[y, x] for y in range(H) for x in range(W)) / (H * W)
        result.append([sum(F[k] * class_weights[k, c] for k in range(K)) + bias[c] for c in range(len(bias))])
    return result
""",
        "class_activation_maps": """
def class_activation_maps(feature_maps, class_weights):
    result = np.zeros(feature_maps.shape[:3] + class_weights.shape[1:])
    for k, weights in enumerate(class_weights):
        for c, weight in enumerate(weights):
            result[..., c] += weight * feature_maps[..., k]
    return result
""",
        "score_from": """
def score_from(feature_maps, class_weights, class_idx, mask):
    result = []
    for maps, c, inside in zip(feature_maps, class_idx, mask):
        total = 0.0
        for row in range(maps.shape[0]):
            for column in range(maps.shape[1]):
                if inside[row, column]:
                    total += maps[row, column] @ class_weights[:, c]
        result.append(total / inside.size)
    return np.array(result)
"""}),
    Right("einsum", {
        "class_scores": """
def class_scores(feature_maps, class_weights, bias):
    _, H, W, _ = feature_maps.shape
    return np.einsum("bhwk,kc->bc", feature_maps, class_weights) / (H * W) + bias
""",
        "class_activation_maps": """
def class_activation_maps(feature_maps, class_weights):
    return np.einsum("bhwk,kc->bhwc", feature_maps, class_weights)
""",
        "score_from": """
def score_from(feature_maps, class_weights, class_idx, mask):
    return np.einsum("bhwk,bk,bhw->b", feature_maps, class_weights.T[class_idx], mask.astype(float)) / mask[0].size
"""}),
    Right("tensordot, and the score as the mean of the map", {
        "class_activation_maps": """
def class_activation_maps(feature_maps, class_weights):
    return np.tensordot(feature_maps, class_weights, axes=1)
""",
        "class_scores": """
def class_scores(feature_maps, class_weights, bias):
    return np.tensordot(feature_maps, class_weights, axes=(3, 0)).mean((1, 2)) + bias
""",
        "score_from": """
def score_from(feature_maps, class_weights, class_idx, mask):
    maps = class_activation_maps(feature_maps, class_weights)
    own = np.take_along_axis(maps, np.asarray(class_idx)[:, None, None, None], axis=-1)[..., 0]
    return np.where(mask, own, 0).mean(axis=(1, 2))
"""}),
    Right("numbers typed as fractions and lists", hand(mean="sum(my_maps[0, :, :, 1].ravel().tolist()) / 4", cell="[*(my_maps[0, 1, 0] * my_weights[:, 0])][0] + (my_maps[0, 1, 0, 1:] * my_weights[1:, 0]).sum()")),
]
