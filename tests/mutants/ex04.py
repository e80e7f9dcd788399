"""Wrong and right answers to exercise 4."""

from exercise import SOLUTIONS, Right, Wrong, run

PATH = SOLUTIONS[0].parents[1] / "ex04_cats_vs_dogs" / "ex04_cats_vs_dogs.ipynb"
NAMES = ("trained_parameters", "seconds_without_cache", "seconds_with_cache", "cache_megabytes")
VALUES = ("K * C + C", "N * E * (frozen + head) / 1000", "N * (frozen + E * head) / 1000", "N * cells * K * 2 / 1e6")
PLAN = ("N, E, frozen, head, K, C, cells = (my_plan[n] for n in "
        "('images', 'epochs', 'frozen_ms', 'head_ms', 'maps', 'classes', 'grid'))\ncells = cells ** 2\n")
REFITTED = "my_classifier isn't what fit(my_features, my_train_labels) makes of it"
MEAN = "my_train_maps.mean(axis=(1, 2))"


def hand(**changed):
    return {"by_hand": PLAN + "\n".join(f"{name} = {changed.get(name, value)}" for name, value in zip(NAMES, VALUES))}


def head(features=MEAN, classifier="LogisticRegression().fit(my_features, my_train_labels)"):
    return {"head": "from sklearn.linear_model import LogisticRegression\n"
                    f"my_features = {features}\nmy_classifier = {classifier}\n"}


def other(features, labels="my_train_labels"):
    """The right features are handed in, but a linear SVM is fitted to others."""
    return head(classifier=f"__import__('sklearn.svm').svm.LinearSVC(max_iter=100_000).fit({features}, {labels})")


def weights(result):
    return {"class_weights_and_bias": "def class_weights_and_bias(classifier):\n"
                                      "    W, b = classifier.coef_.T, classifier.intercept_\n"
                                      f"    if W.shape[1] == 1:\n        return {result}\n    return W, b\n"}


def raw(result):
    return {"without_scaling": f"def without_scaling(coef, intercept, mean, scale):\n    return {result}\n"}


neighbour = run(PATH, student="neighbour").namespace

WRONG = [
    Wrong("copied from a neighbour", hand(**{name: repr(float(neighbour[name])) for name in NAMES}), {"by_hand_sizes_test": "", "by_hand_seconds_test": ""}),
    Wrong("hand: biases forgotten", hand(trained_parameters="K * C"), {"by_hand_sizes_test": "the biases are missing"}),
    Wrong("hand: flattened", hand(trained_parameters="cells * K * C + C"), {"by_hand_sizes_test": "a head on flattened maps"}),
    Wrong("hand: milliseconds", hand(seconds_without_cache="N * E * (frozen + head)"), {"by_hand_seconds_test": "these are milliseconds"}),
    Wrong("hand: one epoch", hand(seconds_without_cache="N * (frozen + head) / 1000"), {"by_hand_seconds_test": "that is one epoch"}),
    Wrong("hand: frozen part for nothing", hand(seconds_with_cache="N * E * head / 1000"), {"by_hand_seconds_test": "must run once, too"}),
    Wrong("hand: head only once", hand(seconds_with_cache="N * (frozen + head) / 1000"), {"by_hand_seconds_test": "the head runs in every epoch"}),
    Wrong("hand: 4 bytes", hand(cache_megabytes="N * cells * K * 4 / 1e6"), {"by_hand_sizes_test": "half precision takes 2"}),
    Wrong("hand: averaged features kept", hand(cache_megabytes="N * K * 2 / 1e6"), {"by_hand_sizes_test": "the maps were asked for"}),

    Wrong("head: flattened", head("my_train_maps.reshape(30, -1)"), {"head_test": "you flattened the maps"}),
    Wrong("head: sums", head("my_train_maps.sum(axis=(1, 2))"), {"head_test": "the maps were added up"}),
    Wrong("head: largest values", head("my_train_maps.max(axis=(1, 2))"), {"head_test": "these are the largest values"}),
    Wrong("head: averaged over channels", head("my_train_maps.mean(axis=3)", "None"), {"head_test": "you averaged over channels"}),
    Wrong("head: of the test pets", head("my_test_maps.mean(axis=(1, 2))", "LogisticRegression().fit(my_features, my_test_labels)"),
          {"head_test": "expected an array of shape (30, 80)"}),
    Wrong("head: not fitted", head(classifier="LogisticRegression()"), {"head_test": "wasn't fitted yet"}),
    Wrong("head: not linear", head(classifier="__import__('sklearn.svm').svm.SVC().fit(my_features, my_train_labels)"),
          {"head_test": "my_classifier has no weights (coef_): it isn't linear"}),
    Wrong("head: fitted to other features", head(classifier="LogisticRegression().fit(my_train_maps.reshape(30, -1), my_train_labels)"),
          {"head_test": "has weights of shape (1, 2880)"}),
    Wrong("head: labels turned round", head(classifier="LogisticRegression().fit(my_features, 1 - my_train_labels)"),
          {"head_test": "takes cats for dogs"}),
    Wrong("head: fitted to scaled features", other("__import__('sklearn.preprocessing').preprocessing.StandardScaler().fit_transform(my_features)"), {"head_test": REFITTED}),
    Wrong("head: fitted to features between 0 and 1", other("__import__('sklearn.preprocessing').preprocessing.MinMaxScaler().fit_transform(my_features)"), {"head_test": REFITTED}),
    Wrong("head: fitted to sums", other("my_train_maps.sum(axis=(1, 2))"), {"head_test": REFITTED}),
    Wrong("head: fitted to the largest values", other("my_train_maps.max(axis=(1, 2))"), {"head_test": REFITTED}),
    Wrong("head: fitted to the test pets", other("my_test_maps.mean(axis=(1, 2))", "my_test_labels"), {"head_test": REFITTED}),
    Wrong("head: fitted to all pets", other("np.concatenate([my_train_maps, my_test_maps]).mean(axis=(1, 2))", "np.r_[my_train_labels, my_test_labels]"),
          {"head_test": REFITTED}),
    Wrong("head: a pipeline", head(classifier="__import__('sklearn.pipeline').pipeline.make_pipeline(__import__('sklearn.preprocessing')"
                                              ".preprocessing.StandardScaler(), LogisticRegression()).fit(my_features, my_train_labels)"),
          {"head_test": "is a pipeline"}),

    Wrong("weights: one column", weights("W, b"), {"class_weights_and_bias_test": "two classes need two columns"}),
    Wrong("weights: rows", {"class_weights_and_bias": """
def class_weights_and_bias(classifier):
    W, b = classifier.coef_, classifier.intercept_
    return (W, b) if len(W) > 1 else (np.concatenate([-W / 2, W / 2]), np.concatenate([-b / 2, b / 2]))
"""}, {"class_weights_and_bias_test": "turn rows into columns"}),
    Wrong("weights: for the cat", weights("np.c_[W, 0 * W], np.r_[b, 0 * b]"), {"class_weights_and_bias_test": "you gave it to class 0"}),
    Wrong("weights: the same twice", weights("np.c_[W, W], np.r_[b, b]"), {"class_weights_and_bias_test": "so nothing decides"}),
    Wrong("weights: twice the difference", weights("np.c_[-W, W], np.r_[-b, b]"), {"class_weights_and_bias_test": "twice the difference"}),
    Wrong("weights: bias forgotten", weights("np.c_[0 * W, W], np.zeros(2)"), {"class_weights_and_bias_test": "bias, differences from class 0: both classes"}),
    Wrong("weights: bias of the wrong class", weights("np.c_[0 * W, W], np.r_[b, 0 * b]"),
          {"class_weights_and_bias_test": "bias, differences from class 0: the row speaks for class 1"}),
    Wrong("weights: one number as bias", weights("np.c_[0 * W, W], b"), {"class_weights_and_bias_test": "bias: shape is (1,)"}),
    Wrong("weights: no bias returned", weights("np.c_[0 * W, W]"), {"class_weights_and_bias_test": "return both"}),
    Wrong("weights: always two classes", {"class_weights_and_bias": """
def class_weights_and_bias(classifier):
    w, b = classifier.coef_[0], classifier.intercept_[0]
    return np.stack([0 * w, w], axis=1), np.array([0, b])
"""}, {"class_weights_and_bias_test": "expected (K, C) = (4, 3)"}),

    Wrong("scaling: multiplied", raw("(coef * scale, intercept - coef * scale @ mean)"), {"without_scaling_test": "you multiplied"}),
    Wrong("scaling: intercept kept", raw("(coef / scale, intercept)"), {"without_scaling_test": "make up for the means"}),
    Wrong("scaling: means added", raw("(coef / scale, intercept + coef / scale @ mean)"), {"without_scaling_test": "taken off, not added"}),
    Wrong("scaling: old coefficients for the means", raw("(coef / scale, intercept - coef @ mean)"), {"without_scaling_test": "by the new coefficients"}),
    Wrong("scaling: mean in the coefficients", raw("((coef - mean) / scale, intercept)"), {"without_scaling_test": "coef: the mean doesn't belong here"}),
    Wrong("scaling: mean and scale in the coefficients", raw("(coef / scale * (1 - mean), intercept)"), {"without_scaling_test": "coef: "}),
    Wrong("scaling: rows added up", raw("(coef / scale, intercept - (coef / scale * mean).sum())"), {"without_scaling_test": "you added up all rows"}),
    Wrong("scaling: means unweighed", raw("(coef / scale, intercept - mean.sum())"), {"without_scaling_test": "unweighed"}),
]

RIGHT = [
    Right("linear SVM, columns 0 and 1, loops", {
        "head": """
from sklearn.svm import LinearSVC
my_features = np.array([[pet[..., k].mean() for k in range(80)] for pet in my_train_maps])
my_classifier = LinearSVC(max_iter=20_000)
my_classifier.fit(my_features, my_train_labels)
""",
        "without_scaling": """
def without_scaling(coef, intercept, mean, scale):
    new_coef, new_intercept = np.array(coef, float), np.array(intercept, float)
    for r in range(len(coef)):
        for k in range(len(mean)):
            new_coef[r, k] = coef[r, k] / scale[k]
            new_intercept[r] -= new_coef[r, k] * mean[k]
    return new_coef, new_intercept
"""} | weights("np.c_[0 * W, W], np.r_[0 * b, b]")),
    Right("ridge classifier, einsum, other columns with the same difference", head("np.einsum('bhwk->bk', my_train_maps) / 36",
          "__import__('sklearn.linear_model').linear_model.RidgeClassifier().fit(my_features, my_train_labels)")
          | weights("np.c_[7 - W, 7 + 0 * W], [3 - b[0], 3]") | raw("[np.einsum('rk,k->rk', coef, 1 / scale), intercept - np.einsum('rk,k->r', coef, mean / scale)]")),
    Right("support vectors with a linear kernel, features as a list", head("[pet.mean(axis=(0, 1)) for pet in my_train_maps]",
          "__import__('sklearn.svm').svm.SVC(kernel='linear').fit(np.array(my_features), my_train_labels)")
          | weights("np.hstack([-W, W]) / 2, np.hstack([-b, b]) / 2") | raw("(coef / scale[None], intercept - (coef * mean / scale).sum(axis=1))")),
    Right("comes out differently each time", head("my_train_maps.astype(float).mean(axis=(1, 2))",
          "__import__('sklearn.linear_model').linear_model.SGDClassifier(random_state=np.random.RandomState(1)).fit(my_features, my_train_labels)")),
    Right("labels as words, discriminant analysis", head(classifier="__import__('sklearn.discriminant_analysis').discriminant_analysis"
          ".LinearDiscriminantAnalysis().fit(my_features, np.array(['cat', 'dog'])[my_train_labels])")),
    Right("perceptron, classes counted", head(classifier="__import__('sklearn.linear_model').linear_model.Perceptron().fit(my_features, my_train_labels)")
          | {"class_weights_and_bias": """
def class_weights_and_bias(classifier):
    w, b = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:
        return np.array([0 * w[0], w[0]]).T, np.array([0, b[0]])
    return w.T, b
"""}),
]
