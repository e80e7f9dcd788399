"""Wrong and right answers to exercise 8."""

from exercise import SOLUTIONS, Right, Wrong, run

HAND = """
W = my_maps @ my_weights
z = W.mean() + my_bias
errors = my_predicted - my_true
share = np.abs(errors) / my_true
left = (errors**2).sum() / 50_000
my_z, my_frequency, lower_left_in_hz, my_mape, my_r_squared = {answers}
"""
RIGHT_HAND = dict(my_z="z", my_frequency="my_mean + my_spread * z", lower_left_in_hz="my_spread * W[1, 0]",
                  my_mape="100 * share.mean()", my_r_squared="1 - left")


def hand(**other):
    assert set(other) <= set(RIGHT_HAND)
    return {"by_hand": HAND.format(answers=", ".join((RIGHT_HAND | other).values()))}


def maps(found="M.mean(axis=(1, 2)) + mean + spread * bias", M="spread * (feature_maps @ weights)", result="found, M"):
    return {"regression_maps": "def regression_maps(feature_maps, weights, bias, mean, spread):\n    small = feature_maps @ weights\n"
                               f"    z = small.mean(axis=(1, 2)) + bias\n    M = {M}\n    found = {found}\n    return {result}\n"}


Z = "mean + spread * z"
R2, MAPE = "1 - (errors**2).sum() / ((true - true.mean())**2).sum()", "100 * np.mean(np.abs(errors) / true)"


def quality(r2=R2, mape=MAPE, result="r2, mape"):
    return {"quality": f"def quality(true, predicted):\n    errors = predicted - true\n    r2, mape = {r2}, {mape}\n    return {result}\n"}


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


def partial(result="np.corrcoef(left(a), left(b))[0, 1]", table="np.column_stack([np.ones(len(a)), *held])"):
    return {"partial_correlation": f"""
def partial_correlation(a, b, held):
    table = {table}
    def guess(v):
        return table @ np.linalg.lstsq(table, v, rcond=None)[0]
    def left(v):
        return v - guess(v)
    return {result}
"""}


neighbour = run(SOLUTIONS[0].parents[1] / "ex08_regression_activation_mapping" / "ex08_regression_activation_mapping.ipynb",
                student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in RIGHT_HAND}), {"by_hand_test": "z: "}),
    Wrong("by hand: bias forgotten", hand(my_z="W.mean()"), {"by_hand_test": "z: the bias is missing"}),
    Wrong("by hand: maps added up", hand(my_z="W.sum() + my_bias"), {"by_hand_test": "z: the maps were added up"}),
    Wrong("by hand: still z", hand(my_frequency="z"), {"by_hand_test": "that is z; the frequency is in Hz"}),
    Wrong("by hand: mean forgotten", hand(my_frequency="my_spread * z"), {"by_hand_test": "frequency: the mean is missing"}),
    Wrong("by hand: standardised once more", hand(my_frequency="(z - my_mean) / my_spread"), {"by_hand_test": "that is the way to z; go back"}),
    Wrong("by hand: mean before spread", hand(my_frequency="(z + my_mean) * my_spread"), {"by_hand_test": "first times the spread, then plus the mean"}),
    Wrong("by hand: cell in z", hand(lower_left_in_hz="W[1, 0]"), {"by_hand_test": "the map in Hz has the spread in it"}),
    Wrong("by hand: mean in the cell", hand(lower_left_in_hz="my_mean + my_spread * W[1, 0]"), {"by_hand_test": "the mean is the same for every wheel"}),
    Wrong("by hand: mean and bias in the cell", hand(lower_left_in_hz="my_mean + my_spread * (W[1, 0] + my_bias)"),
          {"by_hand_test": "mean and bias are the same for every wheel"}),
    Wrong("by hand: column before row", hand(lower_left_in_hz="my_spread * W[0, 1]"), {"by_hand_test": "the row comes first"}),
    Wrong("by hand: errors cancel", hand(my_mape="100 * (errors / my_true).mean()"), {"by_hand_test": "too high and too low cancel"}),
    Wrong("by hand: a share", hand(my_mape="share.mean()"), {"by_hand_test": "give it in percent"}),
    Wrong("by hand: percent of the mean", hand(my_mape="100 * np.abs(errors).mean() / my_true.mean()"), {"by_hand_test": "percent of the mean frequency"}),
    Wrong("by hand: what is left over", hand(my_r_squared="left"), {"by_hand_test": "R² is 1 minus it"}),
    Wrong("by hand: not around the mean", hand(my_r_squared="1 - (errors**2).sum() / (my_true**2).sum()"), {"by_hand_test": "it was left out there"}),
    Wrong("by hand: nothing", hand(my_mape="None"), {"by_hand_test": "MAPE: nothing was given yet"}),

    Wrong("maps: in z", maps(found=Z, M="small"), {"regression_maps_test": "the spread turns them into Hz"}),
    Wrong("maps: mean in each cell", maps(found=Z, M="mean + spread * small"), {"regression_maps_test": "the mean is the same for every wheel"}),
    Wrong("maps: bias in each cell", maps(found=Z, M="spread * (small + bias)"), {"regression_maps_test": "maps: the bias belongs to no cell"}),
    Wrong("maps: everything in each cell", maps(found=Z, M="mean + spread * (small + bias)"), {"regression_maps_test": "mean and bias are the same"}),
    Wrong("maps: divided by the cells", maps(found=Z, M="spread * small / small[0].size"), {"regression_maps_test": "divided by the number of cells"}),
    Wrong("maps: ReLU", maps(found=Z, M="np.maximum(spread * small, 0)"), {"regression_maps_test": "a number has no class to speak for"}),
    Wrong("maps: abs", maps(found=Z, M="np.abs(spread * small)"), {"regression_maps_test": "abs makes cells"}),
    Wrong("maps: normalised", maps(found=Z, M="small / np.abs(small).max()"), {"regression_maps_test": "then it isn't in Hz"}),
    Wrong("maps: not added up", maps(found=Z, M="spread * feature_maps * weights"), {"regression_maps_test": "add up over the feature maps"}),
    Wrong("maps: an axis too many", maps(found=Z, M="spread * (feature_maps @ weights[:, None])"), {"regression_maps_test": "drop the last axis"}),
    Wrong("maps: the other way round", maps(result="M, found"), {"regression_maps_test": "the frequencies come first"}),
    Wrong("maps: only one of two", maps(result="M"), {"regression_maps_test": "return two arrays"}),
    Wrong("frequencies: in z", maps(found="z"), {"regression_maps_test": "these are z; turn them into Hz"}),
    Wrong("frequencies: bias forgotten", maps(found="M.mean(axis=(1, 2)) + mean"), {"regression_maps_test": "frequencies: the bias is missing"}),
    Wrong("frequencies: bias in z", maps(found="M.mean(axis=(1, 2)) + mean + bias"), {"regression_maps_test": "the spread is missing there"}),
    Wrong("frequencies: summed", maps(found="M.sum(axis=(1, 2)) + mean + spread * bias"), {"regression_maps_test": "the maps were added up"}),
    Wrong("frequencies: sigmoid", maps(found="mean + spread / (1 + np.exp(-z))"), {"regression_maps_test": "sigmoid is for classes"}),
    Wrong("maps: made for the visible shape only", maps(M="spread * (feature_maps.reshape(3, 20, 6) @ weights).reshape(3, 4, 5)"),
          {"regression_maps_test": "stops: ValueError: cannot reshape"}),

    Wrong("quality: squared correlation", quality(r2="np.corrcoef(true, predicted)[0, 1]**2"), {"quality_test": "the squared correlation, which forgives"}),
    Wrong("quality: correlation", quality(r2="np.corrcoef(true, predicted)[0, 1]"), {"quality_test": "that is the correlation, which forgives"}),
    Wrong("quality: what is left over", quality(r2="(errors**2).sum() / ((true - true.mean())**2).sum()"), {"quality_test": "R² is 1 minus it"}),
    Wrong("quality: exchanged", quality(r2="1 - (errors**2).sum() / ((predicted - predicted.mean())**2).sum()"), {"quality_test": "true and predicted were exchanged"}),
    Wrong("quality: never negative", quality(r2=f"max(0, {R2})"), {"quality_test": "it may be negative"}),
    Wrong("quality: variance of the errors", quality(r2="1 - errors.var() / true.var()"), {"quality_test": "R², three wheels: "}),
    Wrong("quality: errors cancel", quality(mape="100 * np.mean(errors / true)"), {"quality_test": "too high and too low cancel"}),
    Wrong("quality: a share", quality(mape="np.mean(np.abs(errors) / true)"), {"quality_test": "give it in percent"}),
    Wrong("quality: percent of the predictions", quality(mape="100 * np.mean(np.abs(errors) / predicted)"), {"quality_test": "in percent of the predictions"}),
    Wrong("quality: Hz", quality(mape="np.abs(errors).mean()"), {"quality_test": "the mean error in Hz"}),
    Wrong("quality: the other way round", quality(result="mape, r2"), {"quality_test": "the MAPE comes second"}),
    Wrong("quality: scikit-learn asked", quality(r2="__import__('sklearn.metrics').metrics.r2_score(true, predicted)"), {"quality_test": "write it yourself, with NumPy only"}),

    Wrong("controls: the whole image", controls(here="everywhere", there="everywhere"), {"with_controls_test": "own map: taken over all cells"}),
    Wrong("controls: all wheels in one", {"with_controls": """
def with_controls(maps, physics, radius, metal):
    rivals = [maps, -radius + 0 * maps, np.roll(maps, -1, axis=0)]
    return np.array([np.corrcoef(rival[metal], physics[metal])[0, 1] for rival in rivals])
"""}, {"with_controls_test": "all wheels were thrown together"}),
    Wrong("controls: plus the radius", controls(radius="radius"), {"with_controls_test": "minus radius: the sign is the wrong way round"}),
    Wrong("controls: itself for another", controls(other="maps[n]"), {"with_controls_test": "that is the wheel's own map again"}),
    Wrong("controls: the wheel before", controls(other="maps[n - 1]"), {"with_controls_test": "the map of the wheel before"}),
    Wrong("controls: the next wheel's metal", controls(there="next_one"), {"with_controls_test": "where this wheel has metal"}),
    Wrong("controls: a row for each wheel", controls(result="np.array(found)"), {"with_controls_test": "a row for each wheel"}),
    Wrong("controls: own map only", controls(result="np.mean(found, axis=0)[0]"), {"with_controls_test": "expected three numbers"}),
    Wrong("controls: a list that ends", controls(other="maps[n + 1]"), {"with_controls_test": "stops: IndexError"}),

    Wrong("partial: nothing taken out", partial("np.corrcoef(a, b)[0, 1]"), {"partial_correlation_test": "that is the plain correlation"}),
    Wrong("partial: out of a only", partial("np.corrcoef(left(a), b)[0, 1]"), {"partial_correlation_test": "taken out of a only"}),
    Wrong("partial: out of b only", partial("np.corrcoef(a, left(b))[0, 1]"), {"partial_correlation_test": "taken out of b only"}),
    Wrong("partial: the first one only", partial(table="np.column_stack([np.ones(len(a)), held[0]])"), {"partial_correlation_test": "only the first of the held"}),
    Wrong("partial: the last one only", partial(table="np.column_stack([np.ones(len(a)), held[-1]])"), {"partial_correlation_test": "only the last of the held"}),
    Wrong("partial: one after the other", {"partial_correlation": """
def partial_correlation(a, b, held):
    for h in held:
        h = h - h.mean()
        a, b = (v - v.mean() - h * (h @ v) / (h @ h) for v in (a, b))
    return np.corrcoef(a, b)[0, 1]
"""}, {"partial_correlation_test": "one of the held was taken out after the other"}),
    Wrong("partial: no constant", partial(table="np.column_stack(held)"), {"partial_correlation_test": "the prediction needs a constant"}),
    Wrong("partial: the predictions", partial("np.corrcoef(guess(a), guess(b))[0, 1]"), {"partial_correlation_test": "those are the predictions"}),
    Wrong("partial: subtracted", partial("np.corrcoef(a - sum(held), b - sum(held))[0, 1]"), {"partial_correlation_test": "subtract the best prediction"}),
    Wrong("partial: two held at most", partial(table="np.column_stack([np.ones(len(a)), held[0], held[min(1, len(held) - 1)]])"),
          {"partial_correlation_test": "3 held: "}),
]

RIGHT = [
    Right("loops", {
        "regression_maps": """
def regression_maps(feature_maps, weights, bias, mean, spread):
    B, h, w, K = feature_maps.shape
    maps, found = np.zeros((B, h, w)), np.zeros(B)
    for n in range(B):
        for k in range(K):
            maps[n] += spread * weights[k] * feature_maps[n, :, :, k]
        found[n] = mean + spread * (sum(feature_maps[n, :, :, k].mean() * weights[k] for k in range(K)) + bias)
    return [found, maps]
""",
        "quality": """
def quality(true, predicted):
    middle = sum(true) / len(true)
    left, around, share = 0.0, 0.0, 0.0
    for t, p in zip(true, predicted):
        left, around, share = left + (t - p)**2, around + (t - middle)**2, share + abs(t - p) / t
    return [1 - left / around, 100 * share / len(true)]
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
        "partial_correlation": """
def partial_correlation(a, b, held):
    known = []
    for h in held:
        h = h - h.mean()
        for k in known:
            h = h - k * (k @ h) / (k @ k)
        known.append(h)
    a, b = a - a.mean(), b - b.mean()
    for k in known:
        a, b = a - k * (k @ a) / (k @ k), b - k * (k @ b) / (k @ k)
    return (a @ b) / np.sqrt((a @ a) * (b @ b))
"""}),
    Right("einsum, variances, roll, the inverse covariance",
          maps(found=Z, M="np.einsum('bhwk,k->bhw', feature_maps, spread * weights)")
          | quality(r2="1 - np.mean(errors**2) / true.var()", mape="np.abs(100 - 100 * predicted / true).mean()", result="np.array([r2, mape])")
          | controls(other="np.roll(maps, -1, axis=0)[n]", result="[float(np.mean(column)) for column in zip(*found)]")
          | {"partial_correlation": """
def partial_correlation(a, b, held):
    P = np.linalg.pinv(np.corrcoef([a, b, *held]))
    return float(-P[0, 1] / np.sqrt(P[0, 0] * P[1, 1]))
"""}),
    Right("tensordot, normal equations, where", maps(M="np.tensordot(feature_maps, spread * weights, axes=1)")
          | controls(own="np.where(inside, maps[n], np.nan)", radius="1 - 2 * radius", other="maps[n + 1 - len(maps)]")
          | quality(result="(r2, float(mape))") | partial("np.vdot(left(a), left(b)) / np.linalg.norm(left(a)) / np.linalg.norm(left(b))")),
    Right("the formula for one held, again and again", {"partial_correlation": """
def partial_correlation(a, b, held):
    *rest, last = held
    if rest:
        ab, ah, bh = partial_correlation(a, b, rest), partial_correlation(a, last, rest), partial_correlation(b, last, rest)
    else:
        ab, ah, bh = np.corrcoef(a, b)[0, 1], np.corrcoef(a, last)[0, 1], np.corrcoef(b, last)[0, 1]
    return (ab - ah * bh) / np.sqrt((1 - ah**2) * (1 - bh**2))
"""}),
    Right("typed to four decimals", hand(my_r_squared="round(float(1 - left), 5)", my_frequency="int(my_mean) + int(my_spread) * float(z)")),
]
