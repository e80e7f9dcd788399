"""Wrong and right answers to exercise 7."""

from exercise import Right, Wrong

HAND = """
grad_cam_cell = {grad}
hires_cam_cell = {hires}
layer_cam_cell = {layer}
"""
RIGHT_HAND = dict(grad="(my_G.mean(axis=(0, 1)) * my_A[0, 1]).sum()", hires="(my_G[0, 1] * my_A[0, 1]).sum()",
                  layer="(np.maximum(my_G[0, 1], 0) * my_A[0, 1]).sum()")


def hand(**other):
    return {"by_hand": HAND.format(**(RIGHT_HAND | other))}


def mended(weights="G.mean(axis=(1, 2))", large="maps.repeat(factor, axis=1).repeat(factor, axis=2)", result="large"):
    return {"mended": f"""
def mended(A, G, factor):
    B, h, w, K = A.shape
    weights = {weights}
    maps = np.maximum(np.einsum("bhwk,bk->bhw", A, weights), 0)
    rows = np.linspace(0, h - 1, factor * h).round().astype(int)
    columns = np.linspace(0, w - 1, factor * w).round().astype(int)
    large = {large}
    return {result}
"""}


def mixes(body):
    return {"mixes_images": f"def mixes_images(pipeline, A, G):\n    {body}\n"}


def letters(text):
    return {"reading": f"justified = {text!r}"}


WRONG = [
    Wrong("gradients added up", hand(grad="(my_G.sum(axis=(0, 1)) * my_A[0, 1]).sum()"), {"grad_cam_test": "take their mean"}),
    Wrong("HiResCAM for Grad-CAM", hand(grad="(my_G[0, 1] * my_A[0, 1]).sum()"), {"grad_cam_test": "one weight per map"}),
    Wrong("row and column", hand(grad="(my_G.mean(axis=(0, 1)) * my_A[1, 0]).sum()"), {"grad_cam_test": ""}),
    Wrong("Grad-CAM for HiResCAM", hand(hires="(my_G.mean(axis=(0, 1)) * my_A[0, 1]).sum()"), {"hires_cam_test": "each cell keeps its own"}),
    Wrong("LayerCAM for HiResCAM", hand(hires="(np.maximum(my_G[0, 1], 0) * my_A[0, 1]).sum()"), {"hires_cam_test": "that is LayerCAM"}),
    Wrong("HiResCAM for LayerCAM", hand(layer="(my_G[0, 1] * my_A[0, 1]).sum()"), {"layer_cam_test": "counts as 0"}),
    Wrong("abs for ReLU", hand(layer="(np.abs(my_G[0, 1]) * my_A[0, 1]).sum()"), {"layer_cam_test": "abs turns"}),
    Wrong("abs stays", mended(weights="np.abs(G).mean(axis=(1, 2))"), {"signs_test": "abs makes"}),
    Wrong("over the batch", mended(weights="np.broadcast_to(G.mean(axis=(0, 1, 2)), (B, K))"), {"signs_test": "over the images"}),
    Wrong("ReLU first", mended(weights="np.maximum(G, 0).mean(axis=(1, 2))"), {"signs_test": "ReLU comes last"}),
    Wrong("corners stay", mended(large="maps[:, rows][:, :, columns]"), {"blocks_test": "corners are matched"}),
    Wrong("tiled", mended(large="np.tile(maps, (1, factor, factor))"), {"blocks_test": "repeat each cell"}),
    Wrong("divided by the maximum", mended(result="large / np.maximum(large.max(axis=(1, 2), keepdims=True), 1e-9)"), {"strength_test": "own maximum"}),
    Wrong("always true", mixes("return True"), {"mixes_images_test": "keeps its images apart"}),
    Wrong("always false", mixes("return False"), {"mixes_images_test": "averages over the images"}),
    Wrong("first image only", mixes("return not np.allclose(pipeline(A, G, 1)[0], pipeline(A[:1], G[:1], 1)[0])"), {"mixes_images_test": "another pipeline"}),
    Wrong("a map is no cause", letters("ACDE"), {"reading_test": "not these"}),
    Wrong("points more often", letters("AB"), {"reading_test": "not these"}),
    Wrong("no letters", letters("all"), {"reading_test": "letters from A to E"}),
]
RIGHT = [
    Right("numbers in lists", hand(grad="[(my_G.mean(axis=(0, 1)) * my_A[0, 1]).sum()]")),
    Right("kron", mended(large="np.stack([np.kron(m, np.ones((factor, factor))) for m in maps])")),
    Right("loops", mixes("return any(not np.allclose(pipeline(A, G, 1)[i], pipeline(A[i:i + 1], G[i:i + 1], 1)[0]) for i in range(len(A)))")),
    Right("letters with commas", letters("d, c, a")),
]
