"""Wrong and right answers to exercise 10."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
parts = (my_weights * my_pixels).ravel()
order = np.argsort(-my_map.ravel())

def curve_of(order):
    return my_bias + parts.sum() - np.concatenate([[0], np.cumsum(parts[list(order)])])

def place(v):
    return np.ravel(v).argsort().argsort()

c = curve_of(order)
area = (c[0] / 2 + c[1:4].sum() + c[4] / 2) / 4
d = place(parts) - place(my_map)
my_curve, my_area, my_random_area, my_rank_correlation = {answers}
"""
RIGHT_HAND = dict(my_curve="c", my_area="area", my_random_area="(c[0] + c[4]) / 2", my_rank_correlation="1 - (d**2).sum() / 10")


def hand(**other):
    assert set(other) <= set(RIGHT_HAND)
    return {"by_hand": HAND.format(answers=", ".join((RIGHT_HAND | other).values()))}


def ranked(what):
    return hand(my_rank_correlation=f"1 - ((place({what}) - place(my_map))**2).sum() / 10")


def curve(order="np.argsort(-cam, axis=None)", step="left.flat[pixel] = baseline.flat[pixel]", before="left = image.copy()",
          result="[score(image)] + values", again="pass"):
    return {"deletion_curve": f"""
def deletion_curve(score, image, cam, baseline):
    {before}
    values = []
    for pixel in {order}:
        {again}
        {step}
        values.append(score(left))
    return {result}
"""}


def ranks(rank="(v[:, None] > v).sum(axis=1) + ((v[:, None] == v).sum(axis=1) + 1) / 2", result="np.corrcoef(ranks(a), ranks(b))[0, 1]"):
    return {"rank_correlation": f"""
def rank_correlation(a, b):
    def ranks(cam):
        v = cam.ravel()
        return {rank}
    return {result}
"""}


def test(alike="[np.mean([similarity(m, s) for m, s in zip(maps, step)]) for step in shuffled]",
         control="np.mean([similarity(maps[n], maps[(n + 1) % len(maps)]) for n in range(len(maps))])",
         passes="alike[-1] <= control + margin", result="alike, control, passes"):
    return {"randomisation_test": f"""
def randomisation_test(maps, shuffled, similarity, margin=0.1):
    alike = np.array({alike})
    control = {control}
    passes = {passes}
    return {result}
"""}


neighbour = run(SOLUTIONS[0].parents[1] / "ex10_sanity_checks" / "ex10_sanity_checks.ipynb", student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(my_curve=repr(list(map(float, neighbour["my_curve"]))),
                                          **{name: repr(float(neighbour[name])) for name in RIGHT_HAND if name not in ("my_curve", "my_rank_correlation")}),
          {"curve_test": "curve: ", "area_test": "area"}),
    Wrong("by hand: least important first", hand(my_curve="curve_of(order[::-1])"), {"curve_test": "the least important pixels went first"}),
    Wrong("by hand: insertion", hand(my_curve="my_bias + np.concatenate([[0], np.cumsum(parts[order])])"), {"curve_test": "that is insertion"}),
    Wrong("by hand: bias forgotten", hand(my_curve="c - my_bias"), {"curve_test": "curve: the bias is missing"}),
    Wrong("by hand: order of the truth", hand(my_curve="curve_of(np.argsort(-parts))"), {"curve_test": "in the order of weight times pixel"}),
    Wrong("by hand: brightest first", hand(my_curve="curve_of(np.argsort(-my_pixels.ravel()))"), {"curve_test": "the brightest pixels went first"}),
    Wrong("by hand: reading order", hand(my_curve="curve_of(range(4))"), {"curve_test": "in reading order"}),
    Wrong("by hand: one at a time", hand(my_curve="[c[0], *(c[0] - parts[order])]"), {"curve_test": "what is gone stays gone"}),
    Wrong("by hand: whole picture missing", hand(my_curve="c[1:]"), {"curve_test": "four numbers were given"}),
    Wrong("by hand: steps of width 1", hand(my_area="4 * area"), {"area_test": "each step is 1/4 wide"}),
    Wrong("by hand: mean of the points", hand(my_area="c.mean()"), {"area_test": "the mean of the five points"}),
    Wrong("by hand: left ends", hand(my_area="c[:-1].mean()"), {"area_test": "not its left end"}),
    Wrong("by hand: right ends", hand(my_area="c[1:].mean()"), {"area_test": "not its right end"}),
    Wrong("by hand: line to zero", hand(my_random_area="c[0] / 2"), {"area_test": "with all pixels gone the bias is left"}),
    Wrong("by hand: the map's area for random orders", hand(my_random_area="area"), {"area_test": "that is the area of the map's order"}),
    # Two of these may lead to the same number, so which of them is named depends on the id.
    Wrong("by hand: the pixels ranked", ranked("my_pixels"), {"rank_test": "rank correlation: "}),
    Wrong("by hand: the weights ranked", ranked("my_weights"), {"rank_test": "rank correlation: "}),
    Wrong("by hand: magnitudes ranked", ranked("abs(parts)"), {"rank_test": "rank correlation: "}),
    Wrong("by hand: ranked from the largest", ranked("-parts"), {"rank_test": "rank correlation: "}),
    Wrong("by hand: argsort once", hand(my_rank_correlation="1 - ((parts.argsort() - my_map.ravel().argsort())**2).sum() / 10"),
          {"rank_test": "rank correlation: "}),
    Wrong("by hand: values for ranks", hand(my_rank_correlation="np.corrcoef(parts, my_map.ravel())[0, 1]"), {"rank_test": "compare the ranks"}),
    Wrong("by hand: differences not squared", hand(my_rank_correlation="1 - abs(d).sum() / 10"), {"rank_test": "square the differences"}),
    Wrong("by hand: not taken from 1", hand(my_rank_correlation="(d**2).sum() / 10"), {"rank_test": "what is taken from 1"}),
    Wrong("by hand: nothing", hand(my_random_area="None"), {"area_test": "area of random orders: nothing was given yet"}),

    Wrong("curve: least important first", curve("np.argsort(cam, axis=None)"), {"deletion_curve_test": "the least important pixels went first"}),
    Wrong("curve: insertion", curve(before="left = baseline.copy()", step="left.flat[pixel] = image.flat[pixel]", result="[score(baseline)] + values"),
          {"deletion_curve_test": "that is insertion"}),
    Wrong("curve: zero for the baseline", curve(step="left.flat[pixel] = 0"), {"deletion_curve_test": "by the baseline, not by 0"}),
    Wrong("curve: one at a time", curve(again="left = image.copy()"), {"deletion_curve_test": "what is gone stays gone"}),
    Wrong("curve: magnitudes", curve("np.argsort(-np.abs(cam), axis=None)"), {"deletion_curve_test": "the order of the magnitudes"}),
    Wrong("curve: brightest first", curve("np.argsort(-image, axis=None)"), {"deletion_curve_test": "the brightest pixels went first"}),
    Wrong("curve: reading order", curve("range(cam.size)"), {"deletion_curve_test": "in reading order"}),
    Wrong("curve: start forgotten", curve(result="values"), {"deletion_curve_test": "expected 5"}),
    Wrong("curve: end forgotten", curve(result="[score(image)] + values[:-1]"), {"deletion_curve_test": "expected 5"}),
    Wrong("curve: the same picture again and again", curve(result="[score(left) for _ in range(cam.size + 1)]"), {"deletion_curve_test": "all values are the last one's"}),
    Wrong("curve: picture painted on", curve(before="left, first = image, score(image)", result="[first] + values"), {"deletion_curve_test": "changes the arrays it was given"}),
    Wrong("curve: subtracted as if linear", {"deletion_curve": """
def deletion_curve(score, image, cam, baseline):
    whole, values = score(image), [score(image)]
    for pixel in np.argsort(-cam, axis=None):
        without = image.copy()
        without.flat[pixel] = baseline.flat[pixel]
        values.append(values[-1] - (whole - score(without)))
    return values
"""}, {"deletion_curve_test": "its two ends: "}),
    Wrong("curve: made for the visible shape only", curve("np.argsort(-cam.reshape(-1))[:10]"), {"deletion_curve_test": "expected an array of shape (19,)"}),
    Wrong("curve: course_utils asked", curve(before="from course_utils.faithfulness import _places\n    _places(cam[None])\n    left = image.copy()"),
          {"deletion_curve_test": "write it yourself, with NumPy only"}),

    Wrong("ranks: values", ranks("v"), {"rank_correlation_test": "that compares the values"}),
    Wrong("ranks: argsort once", ranks("v.argsort()"), {"rank_correlation_test": "which cell comes first, not which rank"}),
    Wrong("ranks: of one map only", ranks(result="np.corrcoef(ranks(a), b.ravel())[0, 1]"), {"rank_correlation_test": "with the values of b"}),
    Wrong("ranks: of magnitudes", ranks(result="np.corrcoef(ranks(abs(a)), ranks(abs(b)))[0, 1]"), {"rank_correlation_test": "not their magnitudes"}),
    Wrong("ranks: row by row", ranks("cam.argsort(axis=1).argsort(axis=1).ravel()"), {"rank_correlation_test": "rank the whole map"}),
    Wrong("ranks: in reading order", ranks("v.argsort(kind='stable').argsort()"), {"rank_correlation_test": "the first in reading order got the lowest"}),
    Wrong("ranks: lowest", ranks("np.searchsorted(np.sort(v), v)"), {"rank_correlation_test": "not the lowest of them"}),
    Wrong("ranks: highest", ranks("(v[:, None] >= v).sum(axis=1)"), {"rank_correlation_test": "not the highest of them"}),
    Wrong("ranks: dense", ranks("np.unique(v, return_inverse=True)[1].ravel()"), {"rank_correlation_test": "take up as many ranks as they are"}),
    Wrong("ranks: the formula with d²", ranks(result="1 - 6 * ((ranks(a) - ranks(b))**2).sum() / (a.size * (a.size**2 - 1))"),
          {"rank_correlation_test": "the formula with d² no longer holds"}),
    Wrong("ranks: SciPy asked", ranks(result="__import__('scipy.stats').stats.spearmanr(a.ravel(), b.ravel())[0]"), {"rank_correlation_test": "write it yourself, with NumPy only"}),


    Wrong("test: step with step", test("[np.mean([similarity(m, s) for m, s in zip(before, step)]) for before, step in zip([maps, *shuffled], shuffled)]"),
          {"randomisation_test_test": "compared with the step before"}),
    Wrong("test: averaged maps", test("[similarity(maps.mean(axis=0), step.mean(axis=0)) for step in shuffled]"), {"randomisation_test_test": "averaged first"}),
    Wrong("test: exchanged", test("[np.mean([similarity(s, m) for m, s in zip(maps, step)]) for step in shuffled]"), {"randomisation_test_test": "similarity(trained, shuffled)"}),
    Wrong("test: another picture's", test("[np.mean([similarity(m, s) for m, s in zip(maps, np.roll(step, -1, axis=0))]) for step in shuffled]"),
          {"randomisation_test_test": "take the same picture's"}),
    Wrong("test: backwards", test("[np.mean([similarity(m, s) for m, s in zip(maps, step)]) for step in shuffled[::-1]]"), {"randomisation_test_test": "alike, example: "}),
    Wrong("test: last step only", test(result="alike[-1:], control, passes"), {"randomisation_test_test": "expected a number for each step"}),
    Wrong("test: control with itself", test(control="np.mean([similarity(m, m) for m in maps])"), {"randomisation_test_test": "that is a map with itself"}),
    Wrong("test: control of the picture before", test(control="np.mean([similarity(maps[n], maps[n - 1]) for n in range(len(maps))])"),
          {"randomisation_test_test": "control, example: compare each map with the next picture's"}),
    Wrong("test: control exchanged", test(control="np.mean([similarity(maps[(n + 1) % len(maps)], maps[n]) for n in range(len(maps))])"),
          {"randomisation_test_test": "control, example: compare each map with the next picture's"}),
    Wrong("test: next picture of the last", test(control="np.mean([similarity(maps[n], maps[n + 1]) for n in range(len(maps))])"), {"randomisation_test_test": "stops: IndexError"}),
    Wrong("test: the first step decides", test(passes="alike[0] <= control + margin"), {"randomisation_test_test": "the last step is less alike than the control"}),
    Wrong("test: the mean of all steps decides", test(passes="alike.mean() <= control + margin"), {"randomisation_test_test": "the last step decides"}),
    Wrong("test: falls at all", test(passes="alike[-1] < alike[0]"), {"randomisation_test_test": "the margin is added to the control"}),
    Wrong("test: margin forgotten", test(passes="alike[-1] <= control"), {"randomisation_test_test": "the margin is added to the control"}),
    Wrong("test: the usual margin only", test(passes="alike[-1] <= control + 0.1"), {"randomisation_test_test": "the margin is added to the control"}),
    Wrong("test: no control", test(passes="alike[-1] <= margin"), {"randomisation_test_test": "less alike than the control"}),
    Wrong("test: the other way round", test(passes="alike[-1] > control + margin"), {"randomisation_test_test": "passes, example: False"}),
    Wrong("test: own similarity", test("[np.mean([((m > 0) & (s > 0)).sum() / (m > 0).sum() for m, s in zip(maps, step)]) for step in shuffled]"),
          {"randomisation_test_test": "alike, another similarity: "}),
    Wrong("test: two things", test(result="alike, control"), {"randomisation_test_test": "return three things"}),
]

RIGHT = [
    Right("loops", {
        "deletion_curve": """
def deletion_curve(score, image, cam, baseline):
    H, W = image.shape
    cells = sorted([(cam[i, j], i, j) for i in range(H) for j in range(W)], reverse=True)
    left, values = image.copy(), [score(image)]
    for _, i, j in cells:
        left[i, j] = baseline[i, j]
        values.append(score(left.copy()))
    return values
""",
        "rank_correlation": """
def rank_correlation(a, b):
    def ranks(v):
        v, ordered = v.ravel().tolist(), sorted(v.ravel().tolist())
        return [ordered.index(x) + (ordered.count(x) + 1) / 2 for x in v]
    x, y = ranks(a), ranks(b)
    mx, my = sum(x) / len(x), sum(y) / len(y)
    top = sum((p - mx) * (q - my) for p, q in zip(x, y))
    return top / (sum((p - mx)**2 for p in x) * sum((q - my)**2 for q in y)) ** 0.5
""",
        "randomisation_test": """
def randomisation_test(maps, shuffled, similarity, margin=0.1):
    N, alike, control = len(maps), [], 0.0
    for step in shuffled:
        total = 0.0
        for n in range(N):
            total += similarity(maps[n], step[n])
        alike.append(total / N)
    for n in range(N):
        control += similarity(maps[n], maps[0 if n + 1 == N else n + 1]) / N
    return [alike, control, not alike[-1] > control + margin]
"""}),
    Right("masks, sorted values, unique, roll",
          {"deletion_curve": """
def deletion_curve(score, image, cam, baseline):
    limits = np.concatenate([[np.inf], np.sort(cam, axis=None)[::-1]])
    return np.array([score(np.where(cam >= limit, baseline, image)) for limit in limits])
"""}
          | ranks("(lambda i, n: (np.cumsum(n) - (n - 1) / 2)[i.ravel()])(*np.unique(v, return_inverse=True, return_counts=True)[1:])")
          | test("[[similarity(m, s) for m, s in zip(maps, step)] for step in shuffled]).mean(axis=1",
                 control="np.mean([similarity(m, following) for m, following in zip(maps, np.roll(maps, -1, axis=0))])",
                 result="alike, control, np.bool_(passes)")),
    Right("signs, and errors for NaN", ranks("np.sign(v[:, None] - v).sum(axis=1)")
          | curve("reversed(cam.ravel().argsort().tolist())", result="np.r_[score(image), values]")
          | test(passes="1 if alike[-1] - margin <= control else 0")),
    Right("typed as a list and fractions", hand(my_curve="[float(v) for v in c]", my_rank_correlation="round(float(1 - (d**2).sum() / 10), 6)")),
]
