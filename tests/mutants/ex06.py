"""Wrong and right answers to exercise 6."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
alpha_0, alpha_1 = my_G.mean(axis=(0, 1))
signed = alpha_0 * my_A[..., 0] + alpha_1 * my_A[..., 1]
Z, n = my_rows * my_columns, my_inside
answers = {answers}
alpha_0, alpha_1, lower_left, hidden_by_relu, gradient_in_mask = answers
"""
RIGHT_HAND = dict(alpha_0="alpha_0", alpha_1="alpha_1", lower_left="signed[1, 0]",
                  hidden_by_relu="np.maximum(signed, 0).mean() - signed.mean()", gradient_in_mask="my_weight / n")


def hand(**other):
    assert set(other) <= set(RIGHT_HAND)
    return {"by_hand": HAND.format(answers=", ".join((RIGHT_HAND | other).values()))}


def halves(result="np.maximum(M, 0), np.maximum(-M, 0)", M="np.einsum('bhwk,bk->bhw', A, alpha)", alpha="G.mean(axis=(1, 2))"):
    return {"for_and_against": f"def for_and_against(A, G):\n    alpha = {alpha}\n    M = {M}\n    return {result}\n"}


def both(half):
    """The two halves by one expression, of A and a sign."""
    return halves(f"[{half} for s in (1, -1)]")


def masked(result="M * W / n", W="class_weights[:, class_idx].T[:, None, None]", n="mask.sum(axis=(1, 2))[:, None, None, None]", M="mask[..., None]"):
    return {"masked_gradients": f"""
def masked_gradients(A, mask, class_weights, class_idx):
    B, h, w, K = A.shape
    Z, M, n, W = h * w, {M}, {n}, {W}
    return {result}
"""}


def network(**other):
    right = dict(vgg16="0", resnet50="Z", mobilenet="Z", mobilenet_v3="0")
    assert set(other) <= set(right)
    lines = ["Z = grid_rows * grid_columns"] + [f"Z_{name} = {value}" for name, value in (right | other).items()]
    return {"which_network": "\n".join(lines)}


def dense(result="slopes @ hidden_weights.T", slopes="V * (before > 0)", shape=".reshape(A.shape)", V="class_weights[:, class_idx].T"):
    return {"dense_gradients": f"""
def dense_gradients(A, hidden_weights, hidden_bias, class_weights, class_idx):
    before = A.reshape(len(A), -1) @ hidden_weights + hidden_bias
    V = {V}
    slopes = {slopes}
    return ({result}){shape}
"""}


neighbour = run(SOLUTIONS[0].parents[1] / "ex06_grad_cam" / "ex06_grad_cam.ipynb", student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in RIGHT_HAND}), {"alpha_0_test": "alpha 0: ", "alpha_1_test": "alpha 1: ", "lower_left_test": "lower left",
           "hidden_by_relu_test": "hidden by ReLU", "gradient_in_mask_test": "gradient in the mask"}),
    Wrong("by hand: gradients added up", hand(alpha_0="4 * alpha_0"), {"alpha_0_test": "alpha 0: the gradients were added up"}),
    Wrong("by hand: negative gradients left out", hand(alpha_1="np.maximum(my_G[..., 1], 0).mean()"),
          {"alpha_1_test": "alpha 1: negative gradients count as well"}),
    Wrong("by hand: mean of the map", hand(alpha_0="my_A[..., 0].mean()"), {"alpha_0_test": "the mean of the map"}),
    Wrong("by hand: weights exchanged", hand(alpha_0="alpha_1", alpha_1="alpha_0"), {"alpha_0_test": "the weight of the other map", "alpha_1_test": "the weight of the other map"}),
    Wrong("by hand: after ReLU", hand(lower_left="0"), {"lower_left_test": "after ReLU already"}),
    Wrong("by hand: HiResCAM", hand(lower_left="(my_A * my_G).sum(axis=-1)[1, 0]"), {"lower_left_test": "weighed by its own gradient"}),
    Wrong("by hand: column before row", hand(lower_left="signed[0, 1]"), {"lower_left_test": "the row comes first"}),
    Wrong("by hand: mean after ReLU", hand(hidden_by_relu="np.maximum(signed, 0).mean()"), {"hidden_by_relu_test": "that is the mean after ReLU"}),
    Wrong("by hand: sum hidden", hand(hidden_by_relu="-signed[signed < 0].sum()"), {"hidden_by_relu_test": "a mean has four cells"}),
    Wrong("by hand: sign of what is hidden", hand(hidden_by_relu="signed[signed < 0].sum() / 4"), {"hidden_by_relu_test": "the difference is positive"}),
    Wrong("by hand: the weight itself", hand(gradient_in_mask="my_weight"), {"gradient_in_mask_test": "if all cells of the mask rise by 1"}),
    Wrong("by hand: 1/Z by heart", hand(gradient_in_mask="my_weight / Z"), {"gradient_in_mask_test": "only the cells of the mask are averaged"}),
    Wrong("by hand: times the cells", hand(gradient_in_mask="my_weight * n"), {"gradient_in_mask_test": "divide by the number of cells in the mask"}),
    Wrong("by hand: the cells outside", hand(gradient_in_mask="my_weight / (Z - n)"), {"gradient_in_mask_test": "the cells outside the mask"}),
    Wrong("by hand: rows", hand(gradient_in_mask="my_weight / my_rows"), {"gradient_in_mask_test": "not by the rows"}),
    Wrong("by hand: nothing", hand(gradient_in_mask="None"), {"gradient_in_mask_test": "nothing was given yet"}),

    Wrong("halves: the signed map", halves("M, -M"), {"for_and_against_test": "what is negative in a half becomes 0"}),
    Wrong("halves: against is negative", halves("np.maximum(M, 0), np.minimum(M, 0)"), {"for_and_against_test": "evidence against is given as a positive number"}),
    Wrong("halves: against comes first", halves("np.maximum(-M, 0), np.maximum(M, 0)"), {"for_and_against_test": "that is the other half"}),
    Wrong("halves: abs", halves("np.abs(M), np.abs(M)"), {"for_and_against_test": "abs puts both halves into one"}),
    Wrong("halves: one of them", halves("np.maximum(M, 0)[0]"), {"for_and_against_test": "return two arrays"}),
    Wrong("halves: sum for mean", halves(alpha="G.sum(axis=(1, 2))"), {"for_and_against_test": "the gradients were added up"}),
    Wrong("halves: mean over the maps", halves(M="(A * alpha[:, None, None]).mean(axis=-1)"), {"for_and_against_test": "divided by their number"}),
    Wrong("halves: split before the sum", both("np.maximum(s * A * alpha[:, None, None], 0).sum(axis=-1)"), {"for_and_against_test": "in each cell the sum decides"}),
    Wrong("halves: weights split by sign", both("np.einsum('bhwk,bk->bhw', A, np.maximum(s * alpha, 0))"), {"for_and_against_test": "in each cell the sum decides"}),
    Wrong("halves: gradients split", both("np.maximum(np.einsum('bhwk,bk->bhw', A, np.maximum(s * G, 0).mean(axis=(1, 2))), 0)"),
          {"for_and_against_test": "the gradients were split"}),
    Wrong("halves: feature maps cut off", halves(M="np.einsum('bhwk,bk->bhw', np.maximum(A, 0), alpha)"), {"for_and_against_test": "the feature maps were cut off"}),
    Wrong("halves: own gradients", halves(M="(A * G).sum(axis=-1)"), {"for_and_against_test": "weighed by its own gradient"}),
    Wrong("halves: one weight for all images", halves(M="A @ alpha", alpha="G.mean(axis=(0, 1, 2))"), {"for_and_against_test": "over the images as well"}),
    Wrong("halves: exchanged", halves(M="np.einsum('bhwk,bk->bhw', G, alpha)", alpha="A.mean(axis=(1, 2))"), {"for_and_against_test": "maps and gradients were exchanged"}),
    Wrong("halves: normalised", halves("np.maximum(M, 0) / max(M.max(), 1e-9), np.maximum(-M, 0) / max(-M.min(), 1e-9)"), {"for_and_against_test": "scaled to its maximum"}),
    Wrong("halves: not added up", both("np.maximum(s * A * alpha[:, None, None], 0)"), {"for_and_against_test": "add up over the maps"}),
    Wrong("halves: all images in one", halves(M="np.einsum('bhwk,bk->hw', A, alpha)"), {"for_and_against_test": "expected a map for each image"}),
    Wrong("halves: 0/0 where nothing is left", halves("M * (M > 0) * (np.maximum(M, 0).sum() / np.maximum(M, 0).sum()), np.maximum(-M, 0)"),
          {"for_and_against_test": "NaN or infinite"}),
    Wrong("halves: course_utils asked", halves(M="__import__('course_utils.gradients').gradients.grad_cam_map(A, G)"),
          {"for_and_against_test": "leaves its work to course_utils"}),
    Wrong("halves: made for the visible shape only", halves(M="(A.reshape(2, 20, 6) * alpha[:, None]).sum(axis=-1).reshape(2, 4, 5)"),
          {"for_and_against_test": "stops: ValueError: cannot reshape"}),

    Wrong("masked: the weight itself", masked("M * W"), {"masked_gradients_test": "that is the weight itself"}),
    Wrong("masked: a plain GAP", masked("np.zeros_like(A) + W / Z"), {"masked_gradients_test": "a plain GAP's gradient"}),
    Wrong("masked: outside as inside", masked("np.zeros_like(A) + W / n"), {"masked_gradients_test": "its gradient is 0"}),
    Wrong("masked: divided by all cells", masked("M * W / Z"), {"masked_gradients_test": "in the mask, not of all cells"}),
    Wrong("masked: inside out", masked(M="~mask[..., None]"), {"masked_gradients_test": "it is the ones inside"}),
    Wrong("masked: the first mask's cells", masked(n="mask[0].sum()"), {"masked_gradients_test": "the first one's number of cells"}),
    Wrong("masked: all masks' cells", masked(n="mask.sum()"), {"masked_gradients_test": "the cells of all masks together"}),
    Wrong("masked: times A", masked("A * M * W / n"), {"masked_gradients_test": "A times the gradient"}),
    Wrong("masked: weight times A", masked("A * M * W"), {"masked_gradients_test": "A times the weight"}),
    Wrong("masked: one class for all", masked(W="class_weights[:, class_idx[0]]"), {"masked_gradients_test": "the first one's class"}),
    Wrong("masked: first B classes", masked(W="class_weights.T[:B, None, None]"), {"masked_gradients_test": "look it up in class_idx"}),
    Wrong("masked: one number a map", masked("(W / n)[:, 0, 0]"), {"masked_gradients_test": "that is one number a map"}),
    Wrong("masked: weights reshaped", masked(W="class_weights.reshape(class_weights.T.shape)[class_idx][:, None, None]"),
          {"masked_gradients_test": "reshape shuffles the weights"}),
    Wrong("masked: weights transposed", masked(W="class_weights[class_idx][:, None, None]"), {"masked_gradients_test": "stops: IndexError"}),
    Wrong("masked: measured", masked("measured(lambda A: masked_scores(A, mask, class_weights)[np.arange(B), class_idx], A)"), {"masked_gradients_test": "that is measured"}),
    Wrong("masked: made for the visible shape only", masked("M * W / n * (Z / 8)"), {"masked_gradients_test": "n't right"}),

    Wrong("network: VGG16 has a CAM", network(vgg16="49"), {"Z_vgg16_test": "it averages nothing"}),
    Wrong("network: ResNet50 has none", network(resnet50="0"), {"Z_resnet50_test": "it does have a CAM"}),
    Wrong("network: maps for cells", network(resnet50="2048"), {"Z_resnet50_test": "not maps"}),
    Wrong("network: no Dense, no CAM", network(mobilenet="0"), {"Z_mobilenet_test": "a 1×1 convolution of one cell"}),
    Wrong("network: rows", network(mobilenet="grid_rows"), {"Z_mobilenet_test": "Z is the number of cells"}),
    Wrong("network: GAP, so CAM", network(mobilenet_v3="Z"), {"Z_mobilenet_v3_test": "what follows isn't linear"}),
    Wrong("network: a word", network(vgg16="'none'"), {"Z_vgg16_test": "give one number"}),
    Wrong("network: as printed", network(resnet50="(grid_rows, grid_columns)"), {"Z_resnet50_test": "give one number"}),
    Wrong("network: the reciprocal", network(mobilenet="1 / Z"), {"Z_mobilenet_test": "that is 1/Z"}),
    Wrong("network: not answered", network(mobilenet_v3="None"), {"Z_mobilenet_v3_test": "nothing was given yet"}),

    Wrong("dense: no ReLU", dense(slopes="V"), {"dense_gradients_test": "ReLU was left out"}),
    Wrong("dense: hidden bias forgotten", dense(slopes="V * (before - hidden_bias > 0)"), {"dense_gradients_test": "other units are on"}),
    Wrong("dense: ReLU's value for its gradient", dense(slopes="V * np.maximum(before, 0)"), {"dense_gradients_test": "how much comes out of the unit"}),
    Wrong("dense: guided", dense(slopes="np.maximum(V, 0) * (before > 0)"), {"dense_gradients_test": "cut off on the way back"}),
    Wrong("dense: units the wrong way round", dense(slopes="V * (before <= 0)"), {"dense_gradients_test": "units that are off were let through"}),
    Wrong("dense: one class for all", dense(V="class_weights[:, class_idx[0]]"), {"dense_gradients_test": "the first one's class"}),
    Wrong("dense: times A", dense(shape=".reshape(A.shape) * A"), {"dense_gradients_test": "the gradient alone is wanted"}),
    Wrong("dense: maps before cells", dense(shape=".reshape(len(A), A.shape[3], *A.shape[1:3]).transpose(0, 2, 3, 1)"),
          {"dense_gradients_test": "put them back as they were flattened"}),
    Wrong("dense: flat", dense(shape=""), {"dense_gradients_test": "give them the shape of A"}),
    Wrong("dense: measured", dense("measured(lambda A: np.maximum(A.reshape(len(A), -1) @ hidden_weights + hidden_bias, 0) @ class_weights[:, class_idx[0]], A)"),
          {"dense_gradients_test": "that is measured"}),
]

RIGHT = [
    Right("loops", {
        "for_and_against": """
def for_and_against(A, G):
    B, h, w, K = A.shape
    maps = np.zeros((B, h, w))
    for b in range(B):
        for k in range(K):
            alpha = sum(G[b, i, j, k] for i in range(h) for j in range(w)) / (h * w)
            maps[b] += alpha * A[b, :, :, k]
    pro, contra = maps.copy(), -maps
    pro[maps < 0] = 0
    contra[maps > 0] = 0
    return [pro, contra]
""",
        "masked_gradients": """
def masked_gradients(A, mask, class_weights, class_idx):
    G = np.zeros(A.shape)
    for b, c in enumerate(class_idx):
        for k in range(A.shape[3]):
            G[b, mask[b], k] = class_weights[k, c] / np.count_nonzero(mask[b])
    return G
""",
        "dense_gradients": """
def dense_gradients(A, hidden_weights, hidden_bias, class_weights, class_idx):
    result = []
    for maps, c in zip(A, class_idx):
        slope = np.zeros(maps.size)
        for n in range(len(hidden_bias)):
            if maps.ravel() @ hidden_weights[:, n] + hidden_bias[n] > 0:
                slope += class_weights[n, c] * hidden_weights[:, n]
        result.append(slope.reshape(maps.shape))
    return result
"""}),
    Right("einsum, and a stack", halves("np.stack([np.maximum(M, 0), np.maximum(-M, 0)])", M="np.einsum('bhwk,bijk->bhw', A, G) / A[0, ..., 0].size")
          | masked("np.einsum('bhw,kb->bhwk', mask / mask.sum(axis=(1, 2), keepdims=True), class_weights[:, class_idx])")
          | dense("np.einsum('bn,pn->bp', slopes, hidden_weights)", slopes="np.where(before > 0, V, 0)")),
    Right("matmul and tensordot, keepdims, take", halves("M * (M > 0), -M * (M < 0)", "(A @ alpha[:, 0, 0, :, None][:, None])[..., 0]", "G.mean((1, 2), keepdims=True)")
          | masked("np.where(M, np.take(class_weights.T, class_idx, axis=0).reshape(B, 1, 1, K) / n, 0)")
          | dense("np.tensordot(slopes, hidden_weights, axes=(1, 1))", slopes="V * np.heaviside(before, 0)")),
    Right("signs, clip, and a difference", halves("M.clip(0), M.clip(0) - M") | dense(slopes="V * np.sign(np.maximum(before, 0))")),
    Right("typed as decimals", network(resnet50="float(Z)", vgg16="False") | hand(alpha_0="round(float(alpha_0), 6)", lower_left="float(signed[1, 0])", gradient_in_mask="[my_weight / n][0]")),
]
