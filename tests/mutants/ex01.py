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


def scores(result="F @ class_weights + bias", F="(feature_maps * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))"):
    return {"class_scores": f"""
def class_scores(feature_maps, class_weights, bias, valid):
    inside = valid[..., None]
    F = {F}
    return {result}
"""}


def decisive(result="a - b", choose="feature_maps.mean(axis=(1, 2)) @ class_weights + bias", maps="feature_maps @ class_weights", before=""):
    """M: the maps of all classes; a and b: those of the best class and of the second best."""
    return {"decisive_map": f"""
def decisive_map(feature_maps, class_weights, bias):
    {before}
    M = {maps}
    order = np.argsort({choose}, axis=1)
    best, second = order[:, -1], order[:, -2]
    a, b = (np.array([m[..., c] for m, c in zip(M, classes)]) for classes in (best, second))
    return {result}
"""}


def part(result, before="cam = np.einsum('bhwk,kb->bhw', feature_maps, class_weights[:, class_idx])"):
    return {"score_from": f"def score_from(feature_maps, class_weights, class_idx, mask):\n    {before}\n    return {result}\n"}


neighbour = run(SOLUTIONS[0].parents[1] / "ex01_from_scores_to_maps" / "ex01_from_scores_to_maps.ipynb", student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour",
          hand(*(repr(float(neighbour[n])) for n in ("mean_of_map_1", "score_of_class_0", "lower_left_of_class_0"))),
          {"mean_test": "n't right", "score_test": "n't right", "cell_test": "n't right"}),
    Wrong("by hand: the sum of the map", hand(mean="4 * F[1]"), {"mean_test": "that is the sum of its 4 cells"}),
    Wrong("by hand: the map before", hand(mean="F[0]"), {"mean_test": "that is map 0"}),
    Wrong("by hand: bias forgotten", hand(score="F @ my_weights[:, 0]"), {"score_test": "the bias is missing"}),
    Wrong("by hand: the other class", hand(score="F @ my_weights[:, 1] + my_bias[1]"), {"score_test": "the score of class 1"}),
    Wrong("by hand: sums weighed", hand(score="4 * F @ my_weights[:, 0] + my_bias[0]"), {"score_test": "average them"}),
    Wrong("by hand: bias in the cell", hand(cell=CELL + " + my_bias[0]"), {"cell_test": "to no cell"}),
    Wrong("by hand: the other class's cell", hand(cell="my_maps[0, 1, 0] @ my_weights[:, 1]"), {"cell_test": "that is the map of class 1"}),
    Wrong("by hand: column before row", hand(cell="my_maps[0, 0, 1] @ my_weights[:, 0]"), {"cell_test": "the row comes first"}),
    Wrong("by hand: nothing", hand(cell="None"), {"cell_test": "nothing was given yet"}),

    Wrong("scores: sum for mean", scores(F="(feature_maps * inside).sum(axis=(1, 2))"), {"class_scores_test": "added up, not averaged"}),
    Wrong("scores: padding averaged", scores(F="feature_maps.mean(axis=(1, 2))"), {"class_scores_test": "the padding was averaged as well"}),
    Wrong("scores: padding counted", scores(F="(feature_maps * inside).mean(axis=(1, 2))"), {"class_scores_test": "the padding still counts as cells"}),
    Wrong("scores: cells that are 0 not counted", scores(F="(feature_maps * inside).sum(axis=(1, 2)) / (feature_maps * inside != 0).sum(axis=(1, 2))"),
          {"class_scores_test": "cells that are 0 count, too"}),
    Wrong("scores: the first image's number of cells", scores(F="(feature_maps * inside).sum(axis=(1, 2)) / valid[0].sum()"),
          {"class_scores_test": "the first one's number of cells"}),
    Wrong("scores: the same number of cells for all", scores(F="(feature_maps * inside).sum(axis=(1, 2)) / valid.sum() * len(valid)"),
          {"class_scores_test": "were divided by the same number"}),
    Wrong("scores: bias forgotten", scores("F @ class_weights"), {"class_scores_test": "the bias is missing"}),
    Wrong("scores: softmax", scores("np.exp(F @ class_weights + bias) / np.exp(F @ class_weights + bias).sum(axis=1, keepdims=True)"),
          {"class_scores_test": "without softmax"}),
    Wrong("scores: averaged over channels", scores("feature_maps.mean(axis=-1)"),
          {"class_scores_test": "you averaged over channels; shape is (2, 4, 5), expected (B, C) = (2, 3)"}),
    Wrong("scores: not averaged", scores(F="feature_maps"), {"class_scores_test": "nothing was averaged"}),
    Wrong("scores: images averaged, too", scores(F="feature_maps[valid].mean(axis=0)"), {"class_scores_test": "over the images as well"}),
    Wrong("scores: weights transposed", scores("F @ class_weights.T + bias"),
          {"class_scores_test": "given (2, 4, 5, 6), (6, 3), (3,), (2, 4, 5), stops: ValueError: matmul"}),
    Wrong("scores: weights reshaped", scores("F @ class_weights.reshape(class_weights.T.shape).T + bias"),
          {"class_scores_test": "reshape shuffles the weights"}),
    Wrong("scores: course_utils asked", scores("__import__('course_utils.cam').cam.class_scores(F[:, None, None], class_weights, bias)"),
          {"class_scores_test": "leaves its work to course_utils"}),
    Wrong("scores: made for the visible shape only", scores(F="(feature_maps * inside).reshape(2, 20, 6).sum(axis=1) / inside.sum(axis=(1, 2))"),
          {"class_scores_test": "stops: ValueError: cannot reshape"}),
    Wrong("scores: padding on the right and below only",
          scores(F="np.array([m[:v[:, 0].sum(), :v[0].sum()].mean(axis=(0, 1)) for m, v in zip(feature_maps, valid)])"),
          {"class_scores_test": "class_scores: "}),

    Wrong("decisive: the sign", decisive("b - a"), {"decisive_map_test": "turn the sign round"}),
    Wrong("decisive: chosen without the bias", decisive(choose="feature_maps.mean(axis=(1, 2)) @ class_weights"), {"decisive_map_test": "the bias counts when"}),
    Wrong("decisive: chosen by the peak", decisive(choose="M.max(axis=(1, 2))"), {"decisive_map_test": "not of the highest peak"}),
    Wrong("decisive: with the bias", decisive("a - b + (bias[best] - bias[second])[:, None, None]"), {"decisive_map_test": "to the score and to no cell"}),
    Wrong("decisive: the best alone", decisive("a"), {"decisive_map_test": "the best class alone"}),
    Wrong("decisive: against the mean of all", decisive("a - M.mean(axis=-1)"), {"decisive_map_test": "against the mean of all"}),
    Wrong("decisive: against the last", decisive("a - np.array([m[..., c] for m, c in zip(M, order[:, 0])])"), {"decisive_map_test": "against the last one"}),
    Wrong("decisive: each cell chooses", decisive("np.sort(M)[..., -1] - np.sort(M)[..., -2]"), {"decisive_map_test": "two classes of its own"}),
    Wrong("decisive: the first image's classes", decisive("M[..., best[0]] - M[..., second[0]]"), {"decisive_map_test": "the first one's two classes"}),
    Wrong("decisive: classes 0 and 1", decisive("M[..., 0] - M[..., 1]"), {"decisive_map_test": "n't right"}),
    Wrong("decisive: ReLU at the end", decisive("np.maximum(a - b, 0)"), {"decisive_map_test": "evidence for the second best was cut off"}),
    Wrong("decisive: ReLU before subtracting", decisive("np.maximum(a, 0) - np.maximum(b, 0)"), {"decisive_map_test": "cut off before subtracting"}),
    Wrong("decisive: abs", decisive("np.abs(a - b)"), {"decisive_map_test": "abs hides"}),
    Wrong("decisive: scaled before subtracting", decisive("np.array([m[..., i] / np.abs(m[..., i]).max() - m[..., j] / np.abs(m[..., j]).max() for m, i, j in zip(M, best, second)])"), {"decisive_map_test": "scaled before subtracting"}),
    Wrong("decisive: of all classes", decisive("M - b[..., None]"), {"decisive_map_test": "a map for each class"}),
    Wrong("decisive: averaged", decisive("(a - b).mean(axis=(1, 2))"), {"decisive_map_test": "you averaged the cells away"}),
    Wrong("decisive: feature maps overwritten", decisive(before="feature_maps -= 1e-9"), {"decisive_map_test": "changes the arrays it was given"}),
    Wrong("decisive: course_utils asked", decisive(maps="__import__('course_utils.cam').cam.class_activation_maps(feature_maps, class_weights)"),
          {"decisive_map_test": "leaves its work to course_utils"}),

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
def class_scores(feature_maps, class_weights, bias, valid):
    B, H, W, K = feature_maps.shape
    result = []
    for image, inside in zip(feature_maps, valid):
        F, n = np.zeros(K), 0
        for y in range(H):
            for x in range(W):
                if inside[y, x]:
                    F, n = F + image[y, x], n + 1
        result.append([sum(F[k] / n * class_weights[k, c] for k in range(K)) + bias[c] for c in range(len(bias))])
    return result
""",
        "decisive_map": """
def decisive_map(feature_maps, class_weights, bias):
    result = np.zeros(feature_maps.shape[:3])
    for i, maps in enumerate(feature_maps):
        scores = list(maps.mean(axis=(0, 1)) @ class_weights + bias)
        best = scores.index(max(scores))
        second = scores.index(max(s for c, s in enumerate(scores) if c != best))
        for k in range(len(class_weights)):
            result[i] += (class_weights[k, best] - class_weights[k, second]) * maps[..., k]
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
def class_scores(feature_maps, class_weights, bias, valid):
    return np.einsum("bhwk,bhw,kc->bc", feature_maps, valid / valid.sum(axis=(1, 2), keepdims=True), class_weights) + bias
""",
        "decisive_map": """
def decisive_map(feature_maps, class_weights, bias):
    scores = np.einsum("bhwk,kc->bc", feature_maps, class_weights) / feature_maps[0, ..., 0].size + bias
    ranked = class_weights.T[np.argsort(-scores, axis=1)[:, :2]]
    return np.einsum("bhwk,bk->bhw", feature_maps, ranked[:, 0] - ranked[:, 1])
""",
        "score_from": """
def score_from(feature_maps, class_weights, class_idx, mask):
    return np.einsum("bhwk,bk,bhw->b", feature_maps, class_weights.T[class_idx], mask.astype(float)) / mask[0].size
"""}),
    Right("tensordot, and the score as the mean of the map", {
        "class_scores": """
def class_scores(feature_maps, class_weights, bias, valid):
    maps = np.tensordot(feature_maps, class_weights, axes=(3, 0))
    return np.array([m[v].mean(axis=0) for m, v in zip(maps, valid)]) + bias
""",
        "decisive_map": """
def decisive_map(feature_maps, class_weights, bias):
    maps = np.tensordot(feature_maps, class_weights, axes=1)
    order = np.argsort(maps.mean(axis=(1, 2)) + bias, axis=1)[:, None, None, -2:]
    return np.diff(np.take_along_axis(maps, order, axis=-1))[..., 0]
""",
        "score_from": """
def score_from(feature_maps, class_weights, class_idx, mask):
    own = np.take_along_axis(feature_maps @ class_weights, np.asarray(class_idx)[:, None, None, None], axis=-1)[..., 0]
    return np.where(mask, own, 0).mean(axis=(1, 2))
"""}),
    Right("numbers typed as fractions and lists", hand(mean="sum(my_maps[0, :, :, 1].ravel().tolist()) / 4", cell="[*(my_maps[0, 1, 0] * my_weights[:, 0])][0] + (my_maps[0, 1, 0, 1:] * my_weights[1:, 0]).sum()")),
]
