"""Wrong and right answers to exercise 6."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
alpha_0, alpha_1 = my_G.mean(axis=(0, 1))
signed = alpha_0 * my_A[..., 0] + alpha_1 * my_A[..., 1]
Z = my_rows * my_columns
answers = {answers}
alpha_0, alpha_1, lower_left, hidden_by_relu, alpha_of_gap = answers
"""
RIGHT_HAND = dict(alpha_0="alpha_0", alpha_1="alpha_1", lower_left="signed[1, 0]",
                  hidden_by_relu="np.maximum(signed, 0).mean() - signed.mean()", alpha_of_gap="my_weight / Z")


def hand(**other):
    assert set(other) <= set(RIGHT_HAND)
    return {"by_hand": HAND.format(answers=", ".join((RIGHT_HAND | other).values()))}


def grad(result, alpha="G.mean(axis=(1, 2))", cut=True):
    relu = "np.maximum(M, 0) if relu else M" if cut is True else cut or "M"
    return {"grad_cam": f"def grad_cam(A, G, relu=True):\n    alpha = {alpha}\n    M = {result}\n    return {relu}\n"}


WEIGHED = "np.einsum('bhwk,bk->bhw', A, alpha)"


def gap(result, before=""):
    return {"gap_gradients": "def gap_gradients(A, class_weights, class_idx):\n    B, h, w, K = A.shape\n    Z = h * w\n"
                             f"    {before}\n    return {result}\n"}


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
           "hidden_by_relu_test": "hidden by ReLU", "alpha_of_gap_test": "alpha of the GAP"}),
    Wrong("by hand: gradients added up", hand(alpha_0="4 * alpha_0"), {"alpha_0_test": "alpha 0: the gradients were added up"}),
    Wrong("by hand: negative gradients left out", hand(alpha_1="np.maximum(my_G[..., 1], 0).mean()"),
          {"alpha_1_test": "alpha 1: negative gradients count as well"}),
    Wrong("by hand: mean of the map", hand(alpha_0="my_A[..., 0].mean()"), {"alpha_0_test": "the mean of the map"}),
    Wrong("by hand: weights exchanged", hand(alpha_0="alpha_1", alpha_1="alpha_0"), {"alpha_0_test": "the weight of the other map", "alpha_1_test": "the weight of the other map"}),
    Wrong("by hand: after ReLU", hand(lower_left="0"), {"lower_left_test": "after ReLU already"}),
    Wrong("by hand: HiResCAM", hand(lower_left="(my_A * my_G).sum(axis=-1)[1, 0]"), {"lower_left_test": "by its own gradient, which is HiResCAM"}),
    Wrong("by hand: column before row", hand(lower_left="signed[0, 1]"), {"lower_left_test": "the row comes first"}),
    Wrong("by hand: mean after ReLU", hand(hidden_by_relu="np.maximum(signed, 0).mean()"), {"hidden_by_relu_test": "that is the mean after ReLU"}),
    Wrong("by hand: sum hidden", hand(hidden_by_relu="-signed[signed < 0].sum()"), {"hidden_by_relu_test": "a mean has four cells"}),
    Wrong("by hand: sign of what is hidden", hand(hidden_by_relu="signed[signed < 0].sum() / 4"), {"hidden_by_relu_test": "the difference is positive"}),
    Wrong("by hand: GAP without Z", hand(alpha_of_gap="my_weight"), {"alpha_of_gap_test": "if all cells rise by 1"}),
    Wrong("by hand: GAP times Z", hand(alpha_of_gap="my_weight * Z"), {"alpha_of_gap_test": "divide by the number of cells"}),
    Wrong("by hand: GAP, rows only", hand(alpha_of_gap="my_weight / my_rows"), {"alpha_of_gap_test": "not by its rows"}),
    Wrong("by hand: nothing", hand(alpha_of_gap="None"), {"alpha_of_gap_test": "nothing was given yet"}),

    Wrong("Grad-CAM: no ReLU", grad(WEIGHED, cut="M"), {"grad_cam_test": "ReLU is missing"}),
    Wrong("Grad-CAM: always ReLU", grad(WEIGHED, cut="np.maximum(M, 0)"), {"grad_cam_test": "ReLU isn't wanted here"}),
    Wrong("Grad-CAM: abs", grad(WEIGHED, cut="np.abs(M)"), {"grad_cam_test": "abs turns evidence"}),
    Wrong("Grad-CAM: sum for mean", grad(WEIGHED, "G.sum(axis=(1, 2))"), {"grad_cam_test": "the gradients were added up"}),
    Wrong("Grad-CAM: mean over the maps", grad("(A * alpha[:, None, None]).mean(axis=-1)"), {"grad_cam_test": "divided by their number"}),
    Wrong("Grad-CAM: ReLU before the sum", grad("np.maximum(A * alpha[:, None, None], 0).sum(axis=-1)"), {"grad_cam_test": "ReLU comes after the sum"}),
    Wrong("Grad-CAM: weights cut off", grad(WEIGHED, "np.maximum(G.mean(axis=(1, 2)), 0)"), {"grad_cam_test": "ReLU comes after the sum"}),
    Wrong("Grad-CAM: gradients cut off", grad(WEIGHED, "np.maximum(G, 0).mean(axis=(1, 2))"), {"grad_cam_test": "the gradients were cut off"}),
    Wrong("Grad-CAM: feature maps cut off", grad("np.einsum('bhwk,bk->bhw', np.maximum(A, 0), alpha)"), {"grad_cam_test": "the feature maps were cut off"}),
    Wrong("Grad-CAM: HiResCAM", grad("(A * G).sum(axis=-1)"), {"grad_cam_test": "which is HiResCAM"}),
    Wrong("Grad-CAM: one weight for all images", grad("A @ alpha", "G.mean(axis=(0, 1, 2))"), {"grad_cam_test": "over the images as well"}),
    Wrong("Grad-CAM: exchanged", grad("np.einsum('bhwk,bk->bhw', G, alpha)", "A.mean(axis=(1, 2))"), {"grad_cam_test": "maps and gradients were exchanged"}),
    Wrong("Grad-CAM: normalised", grad(WEIGHED, cut="np.maximum(M, 0) / np.abs(np.maximum(M, 0) if relu else M).max() if relu else M / np.abs(M).max()"),
          {"grad_cam_test": "scaled to its maximum"}),
    Wrong("Grad-CAM: not added up", grad("A * alpha[:, None, None]"), {"grad_cam_test": "add up over the maps"}),
    Wrong("Grad-CAM: all images in one", grad("np.einsum('bhwk,bk->hw', A, alpha)"), {"grad_cam_test": "one map for all images"}),
    Wrong("Grad-CAM: 0/0 where nothing is left", grad(WEIGHED, cut="M * (np.maximum(M, 0).sum() / np.maximum(M, 0).sum()) * (M > 0) if relu else M"),
          {"grad_cam_test": "NaN or infinite"}),
    Wrong("Grad-CAM: course_utils asked", grad("__import__('course_utils.gradients').gradients.grad_cam_map(A, G)"),
          {"grad_cam_test": "leaves its work to course_utils"}),
    Wrong("Grad-CAM: made for the visible shape only", grad("(A.reshape(2, 20, 6) * alpha[:, None]).sum(axis=-1).reshape(2, 4, 5)"),
          {"grad_cam_test": "stops: ValueError: cannot reshape"}),

    Wrong("GAP: without Z", gap("np.broadcast_to(class_weights[:, class_idx].T[:, None, None], A.shape)"), {"gap_gradients_test": "one cell moves the mean by 1/Z only"}),
    Wrong("GAP: times A", gap("A * class_weights[:, class_idx].T[:, None, None] / Z"), {"gap_gradients_test": "A times the gradient"}),
    Wrong("GAP: weight times A", gap("A * class_weights[:, class_idx].T[:, None, None]"), {"gap_gradients_test": "A times the weight"}),
    Wrong("GAP: one class for all", gap("np.zeros_like(A) + class_weights[:, class_idx[0]] / Z"), {"gap_gradients_test": "the first one's class"}),
    Wrong("GAP: first B classes", gap("np.zeros_like(A) + class_weights.T[:B, None, None] / Z"), {"gap_gradients_test": "look it up in class_idx"}),
    Wrong("GAP: one number a map", gap("class_weights[:, class_idx].T / Z"), {"gap_gradients_test": "that is one number a map"}),
    Wrong("GAP: weights reshaped", gap("np.zeros_like(A) + class_weights.reshape(class_weights.T.shape)[class_idx][:, None, None] / Z"),
          {"gap_gradients_test": "reshape shuffles the weights"}),
    Wrong("GAP: weights transposed", gap("np.zeros_like(A) + class_weights[class_idx][:, None, None] / Z"), {"gap_gradients_test": "stops: IndexError"}),
    Wrong("GAP: measured", gap("measured(lambda A: np.einsum('bhwk,kb->b', A, class_weights[:, class_idx]) / Z, A)"), {"gap_gradients_test": "that is measured"}),
    Wrong("GAP: made for the visible shape only", gap("np.zeros_like(A) + class_weights[:, class_idx].T[:, None, None] / 8"), {"gap_gradients_test": "n't right"}),

    Wrong("network: VGG16 has a CAM", network(vgg16="49"), {"Z_vgg16_test": "it averages nothing"}),
    Wrong("network: ResNet50 has none", network(resnet50="0"), {"Z_resnet50_test": "it does have a CAM"}),
    Wrong("network: maps for cells", network(resnet50="2048"), {"Z_resnet50_test": "not maps"}),
    Wrong("network: no Dense, no CAM", network(mobilenet="0"), {"Z_mobilenet_test": "a 1×1 convolution of one cell"}),
    Wrong("network: rows", network(mobilenet="grid_rows"), {"Z_mobilenet_test": "Z is the number of cells"}),
    Wrong("network: GAP, so CAM", network(mobilenet_v3="Z"), {"Z_mobilenet_v3_test": "what follows isn't linear"}),
    Wrong("network: not answered", network(mobilenet_v3="None"), {"Z_mobilenet_v3_test": "nothing was given yet"}),

    Wrong("dense: no ReLU", dense(slopes="V"), {"dense_gradients_test": "ReLU was left out"}),
    Wrong("dense: hidden bias forgotten", dense(slopes="V * (before - hidden_bias > 0)"), {"dense_gradients_test": "other units are on"}),
    Wrong("dense: ReLU's value for its gradient", dense(slopes="V * np.maximum(before, 0)"), {"dense_gradients_test": "how much comes out of the unit"}),
    Wrong("dense: guided", dense(slopes="np.maximum(V, 0) * (before > 0)"), {"dense_gradients_test": "guided backpropagation, not the gradient"}),
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
        "grad_cam": """
def grad_cam(A, G, relu=True):
    B, h, w, K = A.shape
    maps = np.zeros((B, h, w))
    for b in range(B):
        for k in range(K):
            alpha = sum(G[b, i, j, k] for i in range(h) for j in range(w)) / (h * w)
            maps[b] += alpha * A[b, :, :, k]
    if relu:
        maps[maps < 0] = 0
    return maps
""",
        "gap_gradients": """
def gap_gradients(A, class_weights, class_idx):
    G = np.zeros(A.shape)
    for b, c in enumerate(class_idx):
        for k in range(A.shape[3]):
            G[b, :, :, k] = class_weights[k, c] / A[0, :, :, 0].size
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
    Right("einsum", grad("np.einsum('bhwk,bijk->bhw', A, G) / A[0, ..., 0].size")
          | gap("np.einsum('bhwk,kb->bhwk', np.ones(A.shape), class_weights[:, class_idx]) / Z")
          | dense("np.einsum('bn,pn->bp', slopes, hidden_weights)", slopes="np.where(before > 0, V, 0)")),
    Right("matmul and tensordot, keepdims, take", grad("(A @ alpha[:, 0, 0, :, None][:, None])[..., 0]", "G.mean((1, 2), keepdims=True)", cut="M * (M > 0) if relu else M")
          | gap("np.ones_like(A) * np.take(class_weights.T, class_idx, axis=0).reshape(B, 1, 1, K) / Z")
          | dense("np.tensordot(slopes, hidden_weights, axes=(1, 1))", slopes="V * np.heaviside(before, 0)")),
    Right("signs and clip", grad(WEIGHED, cut="M.clip(0 if relu else None)") | dense(slopes="V * np.sign(np.maximum(before, 0))")),
    Right("typed as decimals", network(resnet50="float(Z)", vgg16="False") | hand(alpha_0="round(float(alpha_0), 6)", lower_left="float(signed[1, 0])", alpha_of_gap="[my_weight / Z][0]")),
]
