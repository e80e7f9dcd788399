"""Wrong and right answers to exercise 11."""

from exercise import SOLUTIONS, Right, Wrong, run

PATH = SOLUTIONS[0].parents[1] / "ex11_capstone" / "ex11_capstone.ipynb"
NUMBERS = """
maps = cam.centred(cam.class_activation_maps(my_features, my_weights))
single = cam.class_activation_maps(my_features, my_weights)[np.arange(24), ..., my_folder.labels]
own = maps[np.arange(24), ..., my_folder.labels]
masks = np.zeros((24, 96, 96), bool)
for mask, (x0, y0, x1, y1) in zip(masks, my_folder.head_boxes):
    mask[y0:y1, x0:x1] = True
points = localize.baseline_points(24, 96)
my_hits = {hits}
my_centre_hits = {centre}
my_heat = {heat}
my_area = {area}
"""
HITS = "localize.pointing_hit(own, my_folder.head_boxes, 96).sum()"
CENTRE = 'localize.point_hit(points["centre"], my_folder.head_boxes).sum()'


def numbers(
    hits=HITS, centre=CENTRE, heat="localize.heat_inside(own, masks).mean()", area="masks.mean()"
):
    return {"numbers": NUMBERS.format(hits=hits, centre=centre, heat=heat, area=area)}


def explanation(result, maps="feature_maps @ class_weights"):
    body = f"    maps = {maps}\n    return {result}\n"
    return {"explanation": f"def explanation(feature_maps, class_weights):\n{body}"}


def identity(
    result="np.abs(gap).max()",
    mean="maps.mean(axis=(1, 2))",
    bias="bias - bias.mean()",
    score="class_scores - class_scores.mean(axis=1, keepdims=True)",
):
    body = f"    gap = {mean} + ({bias}) - ({score})\n    return {result}\n"
    return {"identity": f"def identity_error(maps, class_scores, bias):\n{body}"}


def control(result):
    return {"control": f"def another_pictures_map(maps):\n    return {result}\n"}


def faults(numbers):
    return {"faults": f"faulty_sentences = {numbers}"}


NAMES = ("my_hits", "my_centre_hits", "my_heat", "my_area")
neighbour = run(PATH, student="neighbour").namespace

WRONG = [
    Wrong("hits: the misses", numbers(hits=f"24 - {HITS}"), {"hits_test": "the misses"}),
    Wrong("hits: a share", numbers(hits=f"{HITS} / 24"), {"hits_test": "how many are they"}),
    Wrong("centre: a share", numbers(centre=f"{CENTRE} / 24"), {"centre_test": "how many are they"}),
    Wrong("heat: the single map", numbers(heat="localize.heat_inside(single, masks).mean()"), {"heat_test": "the single map"}),
    Wrong("heat: outside", numbers(heat="1 - localize.heat_inside(own, masks).mean()"), {"heat_test": "the share outside"}),
    Wrong("heat: in percent", numbers(heat="100 * localize.heat_inside(own, masks).mean()"), {"heat_test": "in percent"}),
    Wrong("heat: abs", numbers(heat="localize.heat_inside(np.abs(own), masks).mean()"), {"heat_test": "abs "}),
    Wrong("heat: the area", numbers(heat="masks.mean()"), {"heat_test": "the share of the area"}),
    Wrong("heat: a neighbour's", numbers(heat=repr(float(neighbour["my_heat"]))), {"heat_test": "heat"}),
    Wrong("area: in pixels", numbers(area="masks.sum() / 24"), {"heat_test": "in pixels"}),
    Wrong("explanation: single maps", explanation("maps"), {"explanation_test": "single maps"}),
    Wrong("explanation: centred over the cells", explanation("maps - maps.mean(axis=(1, 2), keepdims=True)"),
          {"explanation_test": "over the cells"}),
    Wrong("explanation: cut off", explanation("np.maximum(maps - maps.mean(axis=-1, keepdims=True), 0)"),
          {"explanation_test": "cut off"}),
    Wrong("explanation: over the pictures", explanation("maps - maps.mean(axis=0)"), {"explanation_test": "over the pictures"}),
    Wrong("explanation: one class", explanation("maps[..., 0] - maps.mean(axis=-1)"), {"explanation_test": "shape is"}),
    Wrong("explanation: course_utils asked", explanation("cam.centred(maps)"), {"explanation_test": "leaves its work to course_utils"}),
    Wrong("identity: no bias", identity(bias="0"), {"identity_test": "the bias was forgotten"}),
    Wrong("identity: the bias as it is", identity(bias="bias"), {"identity_test": "above its mean"}),
    Wrong("identity: scores as they are", identity(score="class_scores"), {"identity_test": "above their mean"}),
    Wrong("identity: the mean gap's size", identity("np.abs(gap).mean()"), {"identity_test": "take the largest"}),
    Wrong("identity: the sum", identity(mean="maps.sum(axis=(1, 2))"), {"identity_test": "a sum over the cells"}),
    Wrong("control: rows", control("np.roll(maps, 1, axis=1)"), {"control_test": "moved by a cell"}),
    Wrong("control: columns", control("np.roll(maps, 1, axis=2)"), {"control_test": "moved by a cell"}),
    Wrong("control: its own", control("maps"), {"control_test": "kept its own map"}),
    Wrong("control: backwards", control("maps[::-1]"), {"control_test": "kept its own map"}),
    Wrong("control: upside down", control("maps[:, ::-1]"), {"control_test": "no picture had"}),
    Wrong("control: the first for all", control("np.stack([maps[1]] + [maps[0]] * (len(maps) - 1))"), {"control_test": "each map once"}),
    Wrong("faults: the controlled one", faults([3, 6, 7]), {"faults_test": "has its control"}),
    Wrong("faults: a control", faults([4, 6, 10]), {"faults_test": "claims nothing"}),
    Wrong("faults: four", faults([3, 6, 9, 10]), {"faults_test": "expected three"}),
    Wrong("faults: others", faults([1, 2, 5]), {"faults_test": "not these three"}),
    Wrong("faults: a text", faults("'3, 6, 10'"), {"faults_test": "in a list"}),
]

RIGHT = [
    Right("numbers: plain", numbers(hits=f"int({HITS})", heat="float(localize.heat_inside(own, masks).mean())")),
    Right("control: the other way", control("np.concatenate([maps[1:], maps[:1]])")),
    Right("loops, another order", {
        **explanation("np.stack([m - maps.mean(axis=3) for m in np.moveaxis(maps, 3, 0)], axis=3)",
                      'np.einsum("nhwk,kc->nhwc", feature_maps, class_weights)'),
        **identity("max(abs(float(g)) for g in gap.ravel())"), **faults("(10, 6, 3)")}),
]
