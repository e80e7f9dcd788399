"""Wrong and right answers to exercise 3."""

from exercise import SOLUTIONS, Right, Wrong, run

PATH = SOLUTIONS[0].parents[1] / "ex03_mnist_7_vs_9" / "ex03_mnist_7_vs_9.ipynb"
NAMES = ("my_response", "my_activation", "my_pooled", "p_nine", "p_nine_with_5_more")
VALUES = ("(my_patch * my_kernel).sum() + my_bias", "max(my_response, 0)", "my_block.max()",
          "1 / (1 + np.exp(my_scores[0] - my_scores[1]))", "1 / (1 + np.exp(my_scores[0] - my_scores[1]))")


def hand(**changed):
    return {"by_hand": "\n".join(f"{name} = {changed.get(name, value)}" for name, value in zip(NAMES, VALUES))}


def layers(first="np.maximum(convolve(x, network['kernel_1']) + network['bias_1'], 0)",
           second="np.maximum(convolve(x, network['kernel_2']) + network['bias_2'], 0)", pools=("max_pool(x)", "max_pool(x)")):
    return {"feature_maps": f"def feature_maps(images, network):\n    x = images\n    x = {first}\n    x = {pools[0]}\n"
                            f"    x = {second}\n    x = {pools[1]}\n    return x\n"}


def decides(result):
    return {"difference_map": "def difference_map(feature_maps, class_weights, a, b):\n    M = feature_maps @ class_weights\n"
                            f"    return {result}\n"}


def probabilities(result):
    return {"softmax": f"def softmax(class_scores):\n    S = class_scores\n    return {result}\n"}


def flips(result):
    return {"cells_to_flip": f"def cells_to_flip(difference):\n    v = np.sort(difference.ravel())[::-1]\n    return {result}\n"}


CONV_1, CONV_2 = "convolve(x, network['kernel_1'])", "convolve(x, network['kernel_2'])"
MEAN_POOL = "x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean(axis=(2, 4))"
neighbour = run(PATH, student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in NAMES}), {"by_hand_layers_test": "", "by_hand_softmax_test": ""}),
    Wrong("hand: filter's bias forgotten", hand(my_response="(my_patch * my_kernel).sum()"), {"by_hand_layers_test": "the filter's bias is missing"}),
    Wrong("hand: filter turned", hand(my_response="(my_patch * my_kernel[::-1, ::-1]).sum() + my_bias"), {"by_hand_layers_test": "turned by 180 degrees"}),
    # The response is negative for one of the two students that are tried here, or for both, or for none: these are wrong for each.
    Wrong("hand: response after ReLU, or none where it is positive", hand(my_response="0"), {"by_hand_layers_test": "response: "}),
    Wrong("hand: always zero, or no ReLU where it is negative", hand(my_activation="min(my_response, 0)"), {"by_hand_layers_test": "ReLU makes what is negative zero"}),
    Wrong("hand: the negative", hand(my_activation="max(-my_response, 0)"), {"by_hand_layers_test": "activation: "}),
    Wrong("hand: mean-pooling", hand(my_pooled="my_block.mean()"), {"by_hand_layers_test": "that is the mean"}),
    Wrong("hand: the other class", hand(p_nine="1 / (1 + np.exp(my_scores[1] - my_scores[0]))"), {"by_hand_softmax_test": "the probability of seven"}),
    Wrong("hand: not divided", hand(p_nine="np.exp(my_scores[1])"), {"by_hand_softmax_test": "isn't a probability yet"}),
    Wrong("hand: 5 more for nine only", hand(p_nine_with_5_more="1 / (1 + np.exp(my_scores[0] - my_scores[1] - 5))"),
          {"by_hand_softmax_test": "seven's map has 5 more as well"}),

    Wrong("layers: no ReLU", layers(CONV_1 + " + network['bias_1']", CONV_2 + " + network['bias_2']"), {"feature_maps_test": "both ReLUs are missing"}),
    Wrong("layers: first ReLU missing", layers(first=CONV_1 + " + network['bias_1']"), {"feature_maps_test": "the first ReLU is missing"}),
    Wrong("layers: second ReLU missing", layers(second=CONV_2 + " + network['bias_2']"), {"feature_maps_test": "the second ReLU is missing"}),
    Wrong("layers: no biases", layers(f"np.maximum({CONV_1}, 0)", f"np.maximum({CONV_2}, 0)"), {"feature_maps_test": "both biases are missing"}),
    Wrong("layers: bias after ReLU", layers(f"np.maximum({CONV_1}, 0) + network['bias_1']", f"np.maximum({CONV_2}, 0) + network['bias_2']"),
          {"feature_maps_test": "before ReLU, not after"}),
    Wrong("layers: abs", layers(f"np.abs({CONV_1} + network['bias_1'])", f"np.abs({CONV_2} + network['bias_2'])"), {"feature_maps_test": "abs isn't ReLU"}),
    Wrong("layers: a pooling missing", layers(pools=("max_pool(x)", "x")), {"feature_maps_test": "a pooling is missing"}),
    Wrong("layers: mean-pooling", layers(pools=(MEAN_POOL, MEAN_POOL)), {"feature_maps_test": "not the mean"}),
    Wrong("layers: averaged", layers(pools=("max_pool(x)", "max_pool(x).mean(axis=(1, 2))")), {"feature_maps_test": "the cells are wanted"}),
    Wrong("layers: pooled first", {"feature_maps": """
def feature_maps(images, network):
    x = images
    for i in "12":
        x = np.maximum(convolve(max_pool(x), network["kernel_" + i]) + network["bias_" + i], 0)
    return x
"""}, {"feature_maps_test": "first the convolution, then the pooling"}),
    Wrong("layers: 255 for white", layers(first="np.maximum(convolve(x * 255, network['kernel_1']) + network['bias_1'], 0)"),
          {"feature_maps_test": "feature_maps, tiny network: "}),
    Wrong("layers: square images only", layers(pools=(MEAN_POOL.replace("shape[2]", "shape[1]").replace("mean", "max"), "max_pool(x)")),
          {"feature_maps_test": "given (2, 12, 20, 1)"}),

    Wrong("difference: sign", decides("M[..., b] - M[..., a]"), {"difference_map_test": "turn the sign round"}),
    Wrong("difference: one class", decides("M[..., a]"), {"difference_map_test": "the map of a alone"}),
    Wrong("difference: abs", decides("np.abs(M[..., a] - M[..., b])"), {"difference_map_test": "abs hides"}),
    Wrong("difference: ReLU", decides("np.maximum(M[..., a] - M[..., b], 0)"), {"difference_map_test": "evidence for b was cut off"}),
    Wrong("difference: softmax in each cell", decides("(np.exp(M) / np.exp(M).sum(-1, keepdims=True))[..., a]"), {"difference_map_test": "cell by cell"}),
    Wrong("difference: normalised too early", decides("M[..., a] / np.abs(M[..., a]).max() - M[..., b] / np.abs(M[..., b]).max()"),
          {"difference_map_test": "normalised before subtracting"}),
    Wrong("difference: always nine against seven", decides("M[..., 1] - M[..., 0]"), {"difference_map_test": "n't right"}),

    Wrong("softmax: overflows", probabilities("np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)"), {"softmax_test": "NaN or infinite"}),
    Wrong("softmax: over the images", probabilities("np.exp(S - S.max(0)) / np.exp(S - S.max(0)).sum(axis=0)"), {"softmax_test": "the images were added up"}),
    Wrong("softmax: over everything", probabilities("np.exp(S - S.max()) / np.exp(S - S.max()).sum()"), {"softmax_test": "over all images and classes"}),
    Wrong("softmax: largest of all images", probabilities("np.exp(S - S.max()) / np.exp(S - S.max()).sum(axis=1, keepdims=True)"),
          {"softmax_test": "NaN or infinite"}),
    Wrong("softmax: sigmoid", probabilities("1 / (1 + np.exp(-S))"), {"softmax_test": "the sigmoid of each score"}),
    Wrong("softmax: divided by the largest", probabilities("np.exp(S - S.max(axis=1, keepdims=True))"), {"softmax_test": "by the largest, not by the sum"}),
    Wrong("softmax: course_utils asked", probabilities("__import__('course_utils.cam').cam.softmax(S)"), {"softmax_test": "leaves its work to course_utils"}),

    Wrong("flip: off by one", flips("int((difference.sum() - np.cumsum(v) > 0).sum())"), {"cells_to_flip_test": "one too few"}),
    Wrong("flip: must be below zero", flips("int(np.argmax(difference.sum() - np.cumsum(v) < 0)) + 1"), {"cells_to_flip_test": "you went one further"}),
    Wrong("flip: in reading order", flips("int(np.argmax(difference.sum() - np.cumsum(difference.ravel()) <= 0)) + 1"), {"cells_to_flip_test": "the strongest cells first"}),
    Wrong("flip: weakest first", flips("int(np.argmax(difference.sum() - np.cumsum(np.sort(difference[difference > 0])) <= 0)) + 1"),
          {"cells_to_flip_test": "the weakest were taken first"}),
    Wrong("flip: all positive cells", flips("int((difference > 0).sum())"), {"cells_to_flip_test": "the number of all positive cells"}),
]

RIGHT = [
    Right("ReLU after the pooling, which is the same", layers(CONV_1 + " + network['bias_1']", CONV_2 + " + network['bias_2']",
                                                              ("np.maximum(max_pool(x), 0)", "max_pool(np.where(x > 0, x, 0))"))
          | decides("M[..., a] - M[..., b]")
          | probabilities("1 / np.exp(np.minimum(S[:, None, :] - S[:, :, None], 700)).sum(axis=2)")
          | {"cells_to_flip": """
def cells_to_flip(difference):
    left, n = difference.copy(), 0
    while left.mean() > 0:
        left.flat[left.argmax()] = 0
        n += 1
    return n
"""}),
    Right("loops", {
        "feature_maps": """
def relu(x):
    return x * (x > 0)

def feature_maps(images, network):
    found = []
    for image in images:
        x = image[None]
        for i in (1, 2):
            x = max_pool(relu(convolve(x, network["kernel_%d" % i]) + network["bias_%d" % i]))
        found.append(x[0])
    return np.array(found)
""",
        "difference_map": """
def difference_map(feature_maps, class_weights, a, b):
    result = np.zeros(feature_maps.shape[:3])
    for k in range(len(class_weights)):
        result += (class_weights[k, a] - class_weights[k, b]) * feature_maps[..., k]
    return result
""",
        "softmax": """
def softmax(class_scores):
    result = []
    for scores in class_scores:
        exps = np.exp(scores - max(scores))
        result.append(exps / sum(exps))
    return result
""",
        "cells_to_flip": """
def cells_to_flip(difference):
    cells = sorted(difference.ravel(), reverse=True)
    n = 0
    while sum(cells[n:]) > 0:
        n += 1
    return n
"""}),
    Right("einsum and logaddexp", decides("np.einsum('bhwk,k->bhw', feature_maps, class_weights[:, a]) - np.einsum('bhwk,k->bhw', feature_maps, class_weights[:, b])")
          | probabilities("np.exp(S - np.logaddexp.reduce(S, axis=1)[:, None])")
          | flips("int((difference.sum() - np.cumsum(v) > 0).argmin()) + 1")),
    Right("typed to three decimals", hand(p_nine="round(float(1 / (1 + np.exp(my_scores[0] - my_scores[1]))), 3)")),
]
