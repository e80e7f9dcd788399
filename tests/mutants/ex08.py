"""Wrong and right answers to exercise 8."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
m, (w0, w1), s = my_metal[my_cell], my_weights, my_spread
cells = np.maximum(0, 2 * my_metal - 1) * w0 + (1 - my_metal) * w1
z = cells.mean() + my_bias
share = s * cells[my_cell] / 5
change = s * (2 * w0 - w1) * 0.1 * m / 5
my_frequency, share_in_hz, change_in_hz = {answers}
"""
RIGHT_HAND = dict(my_frequency="my_mean + s * z", share_in_hz="share", change_in_hz="change")


def hand(**other):
    assert set(other) <= set(RIGHT_HAND)
    return {"by_hand": HAND.format(answers=", ".join((RIGHT_HAND | other).values()))}


def maps(found="M.mean(axis=(1, 2))", M="spread * (small - other)", result="found, M"):
    return {"difference_maps": f"""
def difference_maps(feature_maps, reference, weights, bias, mean, spread):
    small, other = feature_maps @ weights, reference @ weights
    z, z_reference = small.mean(axis=(1, 2)) + bias, other.mean() + bias
    M = {M}
    found = {found}
    return {result}
"""}


Z = "spread * (z - z_reference)"


def controls(own="maps[n]", radius="-radius", other="maps[(n + 1) % len(maps)]", here="inside", there="inside", result="np.mean(found, axis=0)"):
    return {"with_controls": f"""
def with_controls(maps, physics, radius, metal):
    found = []
    for n, inside in enumerate(metal):
        everywhere, next_one = np.ones(inside.shape, bool), metal[(n + 1) % len(metal)]
        rivals = [({own})[{here}], ({radius})[{here}], ({other})[{there}]]
        found.append([np.corrcoef(rival, physics[n][{here}])[0, 1] for rival in rivals])
    return {result}
"""}


def changes(result="ask(more) - before", more="more[place] *= 1.01", start="metal.copy()", copy="more = metal.copy()", end="rise"):
    return {"changes": f"""
def changes(ask, metal):
    before, rise = ask(metal), np.zeros(metal.shape)
    more = {start}
    for place in np.ndindex(metal.shape):
        {copy}
        {more}
        rise[place] = {result}
    return {end}
"""}


def letters(text):
    return {"reading": f"justified = {text!r}"}


neighbour = run(SOLUTIONS[0].parents[1] / "ex08_regression_activation_mapping" / "ex08_regression_activation_mapping.ipynb",
                student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in RIGHT_HAND}),
          {"frequency_test": "isn't right", "share_test": "isn't right", "change_test": "isn't right"}),
    Wrong("frequency: bias forgotten", hand(my_frequency="my_mean + s * cells.mean()"), {"frequency_test": "the bias is missing"}),
    Wrong("frequency: added up", hand(my_frequency="my_mean + s * (cells.sum() + my_bias)"), {"frequency_test": "take their mean"}),
    Wrong("frequency: still z", hand(my_frequency="z"), {"frequency_test": "that is z; the frequency is in Hz"}),
    Wrong("frequency: mean forgotten", hand(my_frequency="s * z"), {"frequency_test": "the mean is missing"}),
    Wrong("frequency: standardised once more", hand(my_frequency="(z - my_mean) / s"), {"frequency_test": "that is the way to z; go back"}),
    Wrong("frequency: mean before spread", hand(my_frequency="(z + my_mean) * s"), {"frequency_test": "first times the spread"}),
    Wrong("frequency: no ReLU", hand(my_frequency="my_mean + s * (((2 * my_metal - 1) * w0 + (1 - my_metal) * w1).mean() + my_bias)"),
          {"frequency_test": "the map is 0"}),
    Wrong("share: in z", hand(share_in_hz="share / s"), {"share_test": "the spread turns it into Hz"}),
    Wrong("share: the entry", hand(share_in_hz="5 * share"), {"share_test": "makes a fifth of it"}),
    Wrong("share: mean in the cell", hand(share_in_hz="share + my_mean / 5"), {"share_test": "the mean is the same"}),
    Wrong("share: bias in the cell", hand(share_in_hz="share + s * my_bias / 5"), {"share_test": "the bias is the same"}),
    Wrong("share: both in the cell", hand(share_in_hz="share + (my_mean + s * my_bias) / 5"), {"share_test": "mean and bias are the same"}),
    Wrong("share: one map", hand(share_in_hz="s * (2 * m - 1) * w0 / 5"), {"share_test": "one map only"}),
    Wrong("share: counted from 1", hand(share_in_hz="s * cells[my_cell - 1] / 5"), {"share_test": "counted from 0"}),
    Wrong("share: nothing", hand(share_in_hz="None"), {"share_test": "nothing was given yet"}),
    Wrong("change: a tenth of the share", hand(change_in_hz="share / 10"), {"change_test": "the maps don't grow by 10 %"}),
    Wrong("change: in z", hand(change_in_hz="change / s"), {"change_test": "the spread turns it into Hz"}),
    Wrong("change: not a fifth", hand(change_in_hz="5 * change"), {"change_test": "makes a fifth of it"}),
    Wrong("change: of a full cell", hand(change_in_hz="change / m"), {"change_test": "10 % of the metal that is there"}),
    Wrong("change: 100 %", hand(change_in_hz="10 * change"), {"change_test": "it was 10 %"}),
    Wrong("change: gaps grow", hand(change_in_hz="s * (2 * w0 + w1) * 0.1 * m / 5"), {"change_test": "map 1 falls"}),
    Wrong("change: one map", hand(change_in_hz="s * 2 * w0 * 0.1 * m / 5"), {"change_test": "both change"}),
    Wrong("change: the share afterwards", hand(change_in_hz="share + change"), {"change_test": "the share afterwards"}),
    Wrong("change: falls", hand(change_in_hz="-change"), {"change_test": "how much it falls"}),

    Wrong("maps: in z", maps(found=Z, M="small - other"), {"difference_maps_test": "maps: these are in units of z"}),
    Wrong("maps: no reference", maps(found=Z, M="spread * small"), {"difference_maps_test": "the reference's is missing"}),
    Wrong("maps: the other way round", maps(found=Z, M="spread * (other - small)"), {"difference_maps_test": "the reference is compared with the wheel"}),
    Wrong("maps: the reference's mean", maps(found=Z, M="spread * (small - other.mean())"), {"difference_maps_test": "with the same cell of the reference"}),
    Wrong("maps: mean in each cell", maps(found=Z, M="mean + spread * (small - other)"), {"difference_maps_test": "maps: the mean is the same for both"}),
    Wrong("maps: bias in each cell", maps(found=Z, M="spread * (small - other + bias)"), {"difference_maps_test": "maps: the bias is the same for both"}),
    Wrong("maps: everything in each cell", maps(found=Z, M="mean + spread * (small + bias - other)"), {"difference_maps_test": "maps: mean and bias are the same"}),
    Wrong("maps: divided by the cells", maps(found=Z, M="spread * (small - other) / small[0].size"), {"difference_maps_test": "divided by the number of cells"}),
    Wrong("maps: ReLU", maps(found=Z, M="np.maximum(spread * (small - other), 0)"), {"difference_maps_test": "a number has no class to speak for"}),
    Wrong("maps: abs", maps(found=Z, M="np.abs(spread * (small - other))"), {"difference_maps_test": "abs makes cells"}),
    Wrong("maps: not added up", maps(found=Z, M="spread * (feature_maps - reference) * weights"), {"difference_maps_test": "add up over the feature maps"}),
    Wrong("maps: an axis too many", maps(found=Z, M="spread * ((feature_maps - reference) @ weights[:, None])"), {"difference_maps_test": "drop the last axis"}),
    Wrong("maps: before the differences", maps(result="M, found"), {"difference_maps_test": "the differences come first"}),
    Wrong("maps: only one of two", maps(result="M"), {"difference_maps_test": "return two arrays"}),
    Wrong("differences: in z", maps(found="z - z_reference"), {"difference_maps_test": "differences: these are in units of z"}),
    Wrong("differences: the frequencies", maps(found="mean + spread * z"), {"difference_maps_test": "by how much do they lie above"}),
    Wrong("differences: the other way round", maps(found="spread * (z_reference - z)"), {"difference_maps_test": "it was asked the other way round"}),
    Wrong("differences: plus the mean", maps(found="M.mean(axis=(1, 2)) + mean"), {"difference_maps_test": "differences: the mean is the same for both"}),
    Wrong("differences: plus the bias", maps(found="M.mean(axis=(1, 2)) + spread * bias"), {"difference_maps_test": "differences: the bias is the same for both"}),
    Wrong("differences: with the old constant", maps(found="M.mean(axis=(1, 2)) + mean + spread * bias"), {"difference_maps_test": "differences: mean and bias"}),
    Wrong("differences: summed", maps(found="M.sum(axis=(1, 2))"), {"difference_maps_test": "the maps were added up"}),
    Wrong("maps: made for the visible shape only", maps(M="spread * ((feature_maps - reference).reshape(3, 20, 6) @ weights).reshape(3, 4, 5)"),
          {"difference_maps_test": "stops: ValueError: cannot reshape"}),

    Wrong("changes: falls", changes("before - ask(more)"), {"changes_test": "how much the answer falls"}),
    Wrong("changes: the answers", changes("ask(more)"), {"changes_test": "those are the answers"}),
    Wrong("changes: 0.01 added", changes(more="more[place] += 0.01"), {"changes_test": "0.01 was added"}),
    Wrong("changes: piled", changes("ask(more) - before; before = ask(more)", copy="pass"), {"changes_test": "one cell at a time"}),
    Wrong("changes: a derivative", changes("100 * (ask(more) - before)"), {"changes_test": "the rise per 100 %"}),
    Wrong("changes: abs", changes("abs(ask(more) - before)"), {"changes_test": "the sign matters"}),
    Wrong("changes: all but one", changes(copy="more = 1.01 * metal", more="more[place] = metal[place]"), {"changes_test": "all other cells were changed"}),
    Wrong("changes: the cell taken away", changes("before - ask(more)", more="more[place] = 0"), {"changes_test": "what the answer loses without the cell"}),
    Wrong("changes: one number", changes(end="rise.sum()"), {"changes_test": "expected a number for each cell"}),
    Wrong("changes: the metal itself", changes(start="metal", copy="pass"), {"changes_test": "changes the arrays it was given"}),

    Wrong("controls: the whole image", controls(here="everywhere", there="everywhere"), {"with_controls_test": "own map: taken over all cells"}),
    Wrong("controls: all wheels in one", {"with_controls": """
def with_controls(maps, physics, radius, metal):
    rivals = [maps, -radius + 0 * maps, np.roll(maps, -1, axis=0)]
    return np.array([np.corrcoef(rival[metal], physics[metal])[0, 1] for rival in rivals])
"""}, {"with_controls_test": "all wheels were thrown together"}),
    Wrong("controls: plus the radius", controls(radius="radius"), {"with_controls_test": "minus radius: the sign is the wrong way round"}),
    Wrong("controls: itself for another", controls(other="maps[n]"), {"with_controls_test": "that is the wheel's own map again"}),
    Wrong("controls: the wheel before", controls(other="maps[n - 1]"), {"with_controls_test": "next wheel's map: that is the map of the wheel before"}),
    Wrong("controls: rolled the wrong way", controls(other="np.roll(maps, 1, axis=0)[n]"), {"with_controls_test": "next wheel's map: that is the map of the wheel before"}),
    Wrong("controls: the next wheel's metal", controls(there="next_one"), {"with_controls_test": "where this wheel has metal"}),
    Wrong("controls: a row for each wheel", controls(result="np.array(found)"), {"with_controls_test": "a row for each wheel"}),
    Wrong("controls: own map only", controls(result="np.mean(found, axis=0)[0]"), {"with_controls_test": "expected three numbers"}),
    Wrong("controls: a list that ends", controls(other="maps[n + 1]"), {"with_controls_test": "stops: IndexError"}),

    Wrong("reading: a share for a change", letters("ADE"), {"reading_test": "not these"}),
    Wrong("reading: the identity as a proof", letters("ABD"), {"reading_test": "not these"}),
    Wrong("reading: no control", letters("ACD"), {"reading_test": "not these"}),
    Wrong("reading: words", letters("the first"), {"reading_test": "letters from A to E"}),
    Wrong("reading: an empty text", letters(""), {"reading_test": "letters from A to E"}),
    Wrong("reading: not answered", {"reading": "justified = None"}, {"reading_test": "nothing was given yet"}),
]

RIGHT = [
    Right("loops", {
        "difference_maps": """
def difference_maps(feature_maps, reference, weights, bias, mean, spread):
    B, h, w, K = feature_maps.shape
    maps, found = np.zeros((B, h, w)), np.zeros(B)
    def frequency(f):
        return mean + spread * (sum(f[:, :, k].mean() * weights[k] for k in range(K)) + bias)
    for n in range(B):
        for k in range(K):
            maps[n] += spread * weights[k] * (feature_maps[n, :, :, k] - reference[:, :, k])
        found[n] = frequency(feature_maps[n]) - frequency(reference)
    return [found, maps]
""",
        "changes": """
def changes(ask, metal):
    h, w = metal.shape
    found = []
    for r in range(h):
        row = []
        for c in range(w):
            more = np.array(metal)
            more[r, c] = more[r, c] + more[r, c] / 100
            row.append(float(ask(more)) - float(ask(metal)))
        found.append(row)
    return found
""",
        "with_controls": """
def with_controls(maps, physics, radius, metal):
    def pearson(x, y):
        x, y = x - x.mean(), y - y.mean()
        return (x * y).sum() / ((x**2).sum() * (y**2).sum()) ** 0.5
    total, N = np.zeros(3), len(maps)
    for n in range(N):
        inside, following = metal[n], maps[0 if n == N - 1 else n + 1]
        for i, rival in enumerate((maps[n], -radius, following)):
            total[i] += pearson(rival[inside], physics[n][inside])
    return total / N
""",
    }),
    Right("einsum, a mask that grows, roll",
          maps(found=Z, M="np.einsum('bhwk,k->bhw', feature_maps - reference, spread * weights)")
          | controls(other="np.roll(maps, -1, axis=0)[n]", result="[float(np.mean(column)) for column in zip(*found)]")
          | {"changes": """
def changes(ask, metal):
    one_hot = np.eye(metal.size).reshape(-1, *metal.shape)
    return np.array([ask(metal * (1 + one / 100)) - ask(metal) for one in one_hot]).reshape(metal.shape)
"""}),
    Right("tensordot, where", maps(M="np.tensordot(feature_maps, spread * weights, axes=1) - spread * other[None]")
          | controls(own="np.where(inside, maps[n], np.nan)", radius="1 - 2 * radius", other="maps[n + 1 - len(maps)]")
          | changes(copy="more = metal + 0", more="more[place] = metal[place] * (1 + 1 / 100)")),
    Right("written out by hand", hand(change_in_hz="s * ((2 * 1.1 * m - 1) * w0 + (1 - 1.1 * m) * w1) / 5 - share",
                                      my_frequency="int(my_mean) + int(s) * float(z)", share_in_hz="round(float(share), 6)")),
    Right("letters with blanks", letters("d, a")),
]
