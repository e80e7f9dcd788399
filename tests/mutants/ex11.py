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
boxes = my_folder.head_boxes
corner, middle = boxes[:, :2], (boxes[:, :2] + boxes[:, 2:]) / 2
centre = localize.baseline_points(24, 96)["centre"]

def each(points, target=middle):
    return np.hypot(*(points - target).T)

def peak(maps):
    return localize.peak_pixel(maps, 96)

my_distance = {distance}
my_centre_distance = {centre}
my_heat = {heat}
my_area = {area}
"""
DISTANCE = "each(peak(own)).mean()"
CENTRE = "each(centre).mean()"


def numbers(
    distance=DISTANCE, centre=CENTRE, heat="localize.heat_inside(own, masks).mean()", area="masks.mean()"
):
    return {"numbers": NUMBERS.format(distance=distance, centre=centre, heat=heat, area=area)}


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
    return {"control": f"def another_pictures_map(maps, labels):\n    return {result}\n"}


def by_class(places):
    return {"control": f"""
def another_pictures_map(maps, labels):
    others = maps.copy()
    for c in np.unique(labels):
        places = np.flatnonzero(labels == c)
        others[places] = maps[{places}]
    return others
"""}


def faults(numbers):
    return {"faults": f"faulty_sentences = {numbers}"}


neighbour = run(PATH, student="neighbour").namespace

WRONG = [
    Wrong("distance: the single map", numbers("each(peak(single)).mean()"), {"distance_test": "the single map"}),
    Wrong("distance: the other class", numbers("each(peak(-own)).mean()"), {"distance_test": "the other class"}),
    Wrong("distance: cat for all", numbers("each(peak(maps[..., 0])).mean()"), {"distance_test": "the map of cat"}),
    Wrong("distance: dog for all", numbers("each(peak(maps[..., 1])).mean()"), {"distance_test": "the map of dog"}),
    Wrong("distance: x and y", numbers("each(peak(own)[:, ::-1]).mean()"), {"distance_test": "x and y were exchanged"}),
    Wrong("distance: a sum", numbers("each(peak(own)).sum()"), {"distance_test": "take the mean over the pictures"}),
    Wrong("distance: in cells", numbers("each(peak(own)).mean() / 8"), {"distance_test": "that is in cells"}),
    Wrong("distance: the corner", numbers("each(peak(own), corner).mean()"), {"distance_test": "the corner of the box"}),
    Wrong("distance: round the corner", numbers("np.abs(peak(own) - middle).sum(axis=1).mean()"), {"distance_test": "a straight line"}),
    Wrong("distance: squares", numbers("(each(peak(own)) ** 2).mean()"), {"distance_test": "take the root before the mean"}),
    Wrong("distance: of the mean place", numbers("np.hypot(*(peak(own) - middle).mean(axis=0))"), {"distance_test": "not places"}),
    Wrong("distance: hits", numbers("localize.pointing_hit(own, boxes, 96).sum()"), {"distance_test": "isn't right"}),
    Wrong("centre: random points", numbers(centre='each(localize.baseline_points(24, 96)["random"]).mean()'), {"centre_test": "random points"}),
    Wrong("centre: a sum", numbers(centre="each(centre).sum()"), {"centre_test": "take the mean over the pictures"}),
    Wrong("centre: the picture's corner", numbers(centre="each(0).mean()"), {"centre_test": "the corner of the picture"}),
    Wrong("centre: the box's corner", numbers(centre="each(centre, corner).mean()"), {"centre_test": "the corner of the box"}),
    Wrong("centre: of the mean place", numbers(centre="np.hypot(*(centre - middle).mean(axis=0))"), {"centre_test": "not places"}),
    Wrong("distances: a neighbour's", numbers(repr(float(neighbour["my_distance"])), repr(float(neighbour["my_centre_distance"]))),
          {"distance_test": "isn't right", "centre_test": "isn't right"}),
    Wrong("heat: the single map", numbers(heat="localize.heat_inside(single, masks).mean()"), {"heat_test": "the single map"}),
    Wrong("heat: outside", numbers(heat="1 - localize.heat_inside(own, masks).mean()"), {"heat_test": "the share outside"}),
    Wrong("heat: in percent", numbers(heat="100 * localize.heat_inside(own, masks).mean()"), {"heat_test": "in percent"}),
    Wrong("heat: abs", numbers(heat="localize.heat_inside(np.abs(own), masks).mean()"), {"heat_test": "abs "}),
    Wrong("heat: cut off before enlarging", numbers(heat="localize.heat_inside(np.maximum(own, 0), masks).mean()"),
          {"heat_test": "enlarge the signed map, then take it"}),
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
    Wrong("identity: the mean over the pictures", identity("np.abs(gap).max(axis=1).mean()"), {"identity_test": "isn't right"}),
    Wrong("identity: the mean over the classes", identity("np.abs(gap).max(axis=0).mean()"), {"identity_test": "isn't right"}),
    Wrong("identity: the first class only", identity("np.abs(gap)[:, 0].max()"), {"identity_test": "isn't right"}),
    Wrong("identity: the first picture only", identity("np.abs(gap)[0].max()"), {"identity_test": "isn't right"}),
    Wrong("identity: without abs", identity("gap.max()"), {"identity_test": "isn't right"}),
    Wrong("identity: abs of the largest", identity("abs(gap.max())"), {"identity_test": "isn't right"}),
    Wrong("identity: the sum", identity(mean="maps.sum(axis=(1, 2))"), {"identity_test": "a sum over the cells"}),
    Wrong("control: rows", control("np.roll(maps, 1, axis=1)"), {"control_test": "moved by a cell"}),
    Wrong("control: columns", control("np.roll(maps, 1, axis=2)"), {"control_test": "moved by a cell"}),
    Wrong("control: its own", control("maps.copy()"), {"control_test": "kept its own map"}),
    Wrong("control: any class", control("np.roll(maps, 1, axis=0)"), {"control_test": "the map of another class"}),
    Wrong("control: backwards in each class", by_class("places[::-1]"), {"control_test": "kept its own map"}),
    Wrong("control: shuffled in each class", by_class("np.random.default_rng(0).permutation(places)"), {"control_test": "kept its own map"}),
    Wrong("control: upside down", control("maps[:, ::-1]"), {"control_test": "no picture had"}),
    Wrong("control: the mean of the others", control("np.stack([maps[labels == c].mean(axis=0) for c in labels])"), {"control_test": "no picture had"}),
    Wrong("control: the first for all", by_class("[places[1]] + [places[0]] * (len(places) - 1)"), {"control_test": "each map once"}),
    Wrong("control: cats and dogs only", {"control": """
def another_pictures_map(maps, labels):
    others = maps.copy()
    for c in (0, 1):
        others[labels == c] = np.roll(maps[labels == c], 1, axis=0)
    return others
"""}, {"control_test": "kept its own map"}),
    Wrong("faults: the controlled one", faults([3, 6, 7]), {"faults_test": "sentence 7 has its control"}),
    Wrong("faults: a control", faults([4, 6, 10]), {"faults_test": "claims nothing"}),
    Wrong("faults: beside another picture's map", faults([3, 5, 6]), {"faults_test": "sentence 5 has its control"}),
    Wrong("faults: beside the right answers", faults([3, 6, 9]), {"faults_test": "sentence 9 has its control"}),
    Wrong("faults: four", faults([3, 6, 9, 10]), {"faults_test": "expected three"}),
    Wrong("faults: others", faults([1, 2, 6]), {"faults_test": "not these three"}),
    Wrong("faults: no sentence's number", faults([0, 6, 10]), {"faults_test": "the numbers 1 to 10"}),
    Wrong("faults: a text", faults("'3, 6, 10'"), {"faults_test": "in a list"}),
]

RIGHT = [
    Right("numbers: plain", numbers(f"round(float({DISTANCE}), 2)", f"[{CENTRE}]", heat="float(localize.heat_inside(own, masks).mean())")),
    Right("control: the other way round", by_class("np.roll(places, -1)")),
    Right("control: a list of maps", {"control": """
def another_pictures_map(maps, labels):
    places = {c: [i for i, one in enumerate(labels) if one == c] for c in set(labels.tolist())}
    following = {i: ring[(n + 1) % len(ring)] for ring in places.values() for n, i in enumerate(ring)}
    return [maps[following[i]] for i in range(len(maps))]
"""}),
    Right("loops, another order", {
        **explanation("np.stack([m - maps.mean(axis=3) for m in np.moveaxis(maps, 3, 0)], axis=3)",
                      'np.einsum("nhwk,kc->nhwc", feature_maps, class_weights)'),
        **identity("max(abs(float(g)) for g in gap.ravel())"), **faults("(10, 6, 3)")}),
]
