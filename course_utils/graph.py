"""A Keras model as what it is: operations between images and scores, run with any array on the way read out.

    way = way_to_scores(model)               every place on the way, in order; nested models are entered
    class_scores, maps = ask(model, images, "maps", lambda at, scores: [at[way[3]]])

The scores are always logits: where a model ends in a softmax or a sigmoid, the numbers before it are taken.
The model stays as it is: nothing is added to it, cut from it, called symbolically or trained. It is compiled
once for every question, and anew where it was changed since.
"""

import re
import weakref
from typing import NamedTuple

from course_utils import checks

import numpy as np

_RESCALING = ("Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply", "Subtract", "Add", "Lambda")


class Place(NamedTuple):
    """One array on the way: a symbolic tensor of the model, or of a model inside it."""

    tensor: object
    around: tuple = ()  # the models it lies in: (graph, the tensors fed to it) each, outermost first

    @property
    def operation(self):
        """The layer or other operation that makes it."""
        return self.tensor._keras_history.operation

    @property
    def name(self):
        """The name of the operation; of the last one inside, where that is a model."""
        before = _before(self)
        inside = _graph(self.operation) or type(self.operation).__name__ == "InputLayer"
        return before[0].name if inside and before else self.operation.name

    @property
    def shape(self):
        return tuple(self.tensor.shape)

    @property
    def has_weights(self):
        return bool(getattr(self.operation, "weights", ()))

    @property
    def is_grid(self):
        """Has it cells, (B, h, w, K), more than one?"""
        return len(self.shape) == 4 and self.shape[1:3] != (1, 1)


def way_to_scores(model):
    """All places from the images to the scores, in order, without branches that don't lead to them."""
    order, done, ahead = [], set(), [Place(model.outputs[0])]
    while ahead:
        place = ahead[-1]
        missing = [before for before in _before(place) if before not in done]
        ahead += reversed(missing)  # the first of several inputs is run first
        if not missing:
            ahead.pop()
            if place not in done:
                done.add(place)
                order.append(place)
    return order


def bottlenecks(way):
    """The places that all of the way goes through: what leads from images to scores passes them."""
    to, onward = (
        dict.fromkeys(way, 0),
        dict.fromkeys(way, 0),
    )  # how many paths lead here, and on to the scores
    for place in way:
        to[place] = sum(to[before] for before in _before(place)) or 1
    onward[way[-1]] = 1
    for place in reversed(way):
        for before in _before(place):
            onward[before] += onward[place]
    return [place for place in way if to[place] * onward[place] == to[way[-1]]]


def run(way, given):
    """All arrays that follow from the `given` ones, {place: array}; called while TensorFlow compiles."""
    import keras
    import tensorflow as tf

    at, made = dict(given), {}
    for place in way:
        before = _before(place)
        if place in at or not before or any(one not in at for one in before):
            continue
        operation, node_index, tensor_index = place.tensor._keras_history
        node = operation._inbound_nodes[node_index]
        if node.is_input or _graph(operation):  # into a model inside, or out of it
            at[place] = tf.cast(at[before[0]], place.tensor.dtype)
            continue
        once = node, place.around  # an operation may make several tensors
        if once not in made:
            args, kwargs = node.arguments.fill_in({id(one.tensor): at[one] for one in before})
            if "training" in getattr(operation, "_call_context_args", ()):
                kwargs["training"] = False  # as `predict` does it: no dropout, no augmentation
            made[once] = keras.tree.flatten(operation(*args, **kwargs))
        at[place] = made[once][tensor_index]
    return at


# --- asking ----------------------------------------------------------------------------------


def ask(model, images, key, want=None, more=(), overrides=None):
    """Logits and what is wanted of a batch of checked images: [class_scores (B, C), array, ...], float32.

    want(at, class_scores, *more): compiled, gets the arrays at all places and returns a list of those wanted.
    more: further arrays, one entry an image. `key` is the name under which the compiled function is kept.
    Raises one sentence where the weights aren't finite, where the model can't take the images, and where its
    own answer is another one.
    """
    known = graph_of(model)
    if key not in known.functions:
        known.functions[key] = _function(model, known.way, want, [m.dtype for m in more], overrides or {})
    finite, output, *answer = _call(known.functions[key], model, images, more)
    if not finite:
        check_weights(model)
    if "asked" not in known.found:
        _check_own_answer(model, images, output, known.way)
        known.found["asked"] = True
    return [checks.finite(array, "what the layers give") for array in answer]


def ends_in(model):
    """What the model's output is: "softmax" or "sigmoid" (probabilities), or "logits"."""
    return _any_function(model).ending


def kinds(model):
    """The types of TensorFlow's operations that the model consists of."""
    return _any_function(model).kinds


def _any_function(model):
    known = graph_of(model)
    if not known.functions:
        known.functions["scores"] = _function(model, known.way, None, [], {})
    return next(iter(known.functions.values()))


def scores_behind(model, place):
    """The part of the model behind a place that all of the way goes through: arrays (N, K) -> class scores
    (N, C).
    """
    import tensorflow as tf

    known = graph_of(model)
    if place not in known.found:

        def answer(rows):
            here = tf.cast(tf.reshape(rows, (-1, *place.shape[1:])), place.tensor.dtype)
            return tf.cast(logits(run(known.way, {place: here})[known.way[-1]])[0], tf.float32)

        spec = tf.TensorSpec((None, place.shape[-1]), tf.float32)
        known.found[place] = tf.function(answer, autograph=False).get_concrete_function(spec)
    return lambda rows: np.asarray(known.found[place](tf.constant(rows, tf.float32)))


def weights_behind(model, place):
    """The values of all weights between a place and the scores, as they are now."""
    way = graph_of(model).way
    return [np.asarray(weight).copy() for _, weight in _weights(way[way.index(place) + 1 :])]


def part_model(model, places):
    """A keras.Model from the images to some places, side by side in the same model, which may lie inside
    `model`.

    Only new models around the user's layers are made: none of those layers is called again, so nothing is
    added to their graph.
    """
    import keras

    known = graph_of(model)
    if places not in known.found:
        around = places[0].around
        part = keras.Model(
            _one(around[-1][0].inputs if around else model.inputs), [place.tensor for place in places]
        )
        outer = [model, *(inside for inside, _ in around)]
        for (_, fed), graph in zip(reversed(around), reversed(outer[:-1])):
            images = _one([keras.Input(batch_shape=one.shape, dtype=one.dtype) for one in graph.inputs])
            part = keras.Model(images, part(keras.Model(_one(graph.inputs), _one(fed))(images)))
        known.found[places] = part
    return known.found[places]


def _one(tensors):
    """A list as Keras wants it: a single tensor by itself."""
    return tensors[0] if len(tensors) == 1 else list(tensors)


class Known(NamedTuple):
    """What is remembered of a model until it is changed, or gone."""

    way: list
    state: list
    functions: dict  # compiled, from the images on, by their keys
    found: dict  # whatever else needn't be found twice


_KNOWN = weakref.WeakKeyDictionary()


def graph_of(model):
    """The model's way and compiled functions, as they were when `check_model` last looked."""
    if model not in _KNOWN:
        _look(model)
    return _KNOWN[model]


def _look(model):
    """Has the model been changed since? Then whatever is known of it is of no use any more."""
    way = way_to_scores(model)
    state = [(place, _settings(place.operation) if makes_something(place) else None) for place in way]
    if model not in _KNOWN or _KNOWN[model].state != state:
        _check_channels_last(model, way)
        _KNOWN[model] = Known(way, state, {}, {})


def is_new(model):
    """Was the model never asked as it is now?"""
    return "asked" not in graph_of(model).found


# --- checks ----------------------------------------------------------------------------------


def check_model(model, images=None):
    """Raises in one sentence where this is no Keras model from images to scores whose layers can be seen; the
    first thing to call, since it notices whether the model was changed.

    `images` are needed only for a `Sequential` that has never been called.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise TypeError(f"model is a {type(model).__name__}; expected a Keras model.")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"Keras runs on {keras.backend.backend()} here, loaded before course_utils; this course needs "
            "TensorFlow. Restart the kernel and import course_utils first."
        )
    if isinstance(model, keras.Sequential) and not model.built and images is not None:
        try:
            # A Sequential without Input learns its shapes from the first images it sees, and keeps them even
            # if a later layer fails: so a copy is asked first.
            keras.models.clone_model(model)(images[:1])
            model.build((None, *images.shape[1:]))
        except Exception as error:  # whatever a layer raises
            raise ValueError(f"Model '{model.name}' fails when it is called: {_first_line(error)}") from error
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None) or _graph(model) is None:
        raise ValueError(
            f"Model '{model.name}' ({type(model).__name__}) has no layer graph to look into; build it with "
            "keras.Model(inputs, outputs), or call a Sequential once on a batch of images."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"Model '{model.name}' has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "expected one input, the images, and one output, the class scores."
        )
    _look(model)


def check_weights(model):
    """Raises where a weight on the way to the scores is NaN or infinite, and says in which layer."""
    for place, weight in _weights(graph_of(model).way):
        if not np.isfinite(np.asarray(weight, np.float32)).all():
            raise ValueError(
                f"Model '{model.name}' has weights that are NaN or infinite, the first of them in "
                f"'{place.name}': its training diverged. Lower the learning rate and train it anew."
            )


def rescales(model):
    """Is something done to the numbers of a picture before the first layer that learns?"""
    if not graph_of(model).way[0].tensor.dtype.startswith(("float", "bfloat")):
        return True  # it takes pictures as they are
    for place in graph_of(model).way:
        if type(place.operation).__name__ in _RESCALING:
            return True
        if place.has_weights and makes_something(place):
            return False
    return False


def n_classes(model):
    """How many scores the model gives; raises where its output isn't (B, C)."""
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(f"Model '{model.name}' gives shape {shape}; expected class scores, (B, C).")
    return shape[1]


def check_images(model, images):
    """The images as float32 (B, H, W, channels), or one sentence on why the model can't take them.

    Pictures as they are, uint8, are welcome where the model rescales them inside.
    """
    if getattr(model, "inputs", None):
        check_model(model)  # first: what is wrong with the model isn't the images' fault
        shape = tuple(model.inputs[0].shape)
        if len(shape) != 4:
            raise ValueError(
                f"Model '{model.name}' takes inputs of shape {shape}; expected pictures, (B, height, width, "
                "channels). Build it on keras.Input((height, width, channels))."
            )
    images = checks.widened(images, "images")
    if images.ndim != 4:
        hint = " Add the batch axis: images[None]." if images.ndim == 3 else ""
        raise ValueError(f"images has shape {images.shape}; expected (B, height, width, channels).{hint}")
    if 0 in images.shape:
        raise ValueError(f"images is empty, shape {images.shape}; expected at least one image.")
    if images.dtype == np.uint8:
        pictures, images = images, images.astype(np.float32)
        check_model(model, images)
        if not rescales(model):
            raise TypeError(
                f"images holds {pictures.dtype}, and model '{model.name}' has no layer that rescales them; "
                "expected floats, scaled as in training (images.astype('float32') / 255, for example)."
            )
    if images.dtype.kind in "iub":
        raise TypeError(
            f"images holds {images.dtype}; expected pictures, uint8, or floats, scaled as in training."
        )
    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite for the model
            images = images.astype(np.float32, copy=False)
    if images.dtype.kind != "f" or not np.isfinite(images).all():
        raise ValueError(
            "images has values that are NaN, infinite or no real numbers; expected finite floats."
        )
    expected = tuple(model.inputs[0].shape) if getattr(model, "inputs", None) else (None,) * 4
    if any(wanted not in (None, given) for given, wanted in zip(images.shape[1:], expected[1:])):
        height, width, channels = (n or "any" for n in expected[1:])
        raise ValueError(
            f"images has shape {images.shape}, but model '{model.name}' takes (B, {height}, {width}, "
            f"{channels}): resize the images, or convert between grey (1) and colour (3)."
        )
    return images.astype(np.float32, copy=False)


def find_place(model, target_layer):
    """The place meant by a layer, another operation, or its name: the one with a map as output on the way."""
    way = graph_of(model).way
    found = [
        place
        for place in way
        if len(place.shape) == 4
        and (
            target_layer is place.operation
            or isinstance(target_layer, str)
            and target_layer == place.operation.name
        )
    ]
    if not found:
        raise ValueError(
            f"target_layer {getattr(target_layer, 'name', target_layer)!r} is no layer with a map as output "
            f"on the way to the scores of model '{model.name}'; those are: {', '.join(map_names(way))}."
        )
    operations = {id(place.operation): place.operation for place in found}
    if len(operations) > 1:
        raise ValueError(
            f"target_layer {target_layer!r} is the name of {len(operations)} layers of model "
            f"'{model.name}'; give the layer itself."
        )
    if len(found) > 1:
        raise ValueError(
            f"Layer '{found[0].operation.name}' of model '{model.name}' is used {len(found)} times, so it "
            "has no single map; give another target_layer."
        )
    return found[0]


def map_names(way):
    """The names of all operations with a map as output, (B, h, w, K), in order."""
    return list(
        dict.fromkeys(
            place.operation.name for place in way if len(place.shape) == 4 and makes_something(place)
        )
    )


def makes_something(place):
    """Is it the output of an operation, rather than an entry, or a model that is looked into?"""
    return type(place.operation).__name__ != "InputLayer" and _graph(place.operation) is None


# --- inside: the graph -----------------------------------------------------------------------


def _before(place):
    """The places that a place is made of; none for the images."""
    operation, node_index, tensor_index = place.tensor._keras_history
    inside = _graph(operation)
    if inside is not None:
        fed = tuple(operation._inbound_nodes[node_index].input_tensors)
        return [Place(inside.outputs[tensor_index], (*place.around, (inside, fed)))]
    if place.around:
        graph, fed = place.around[-1]
        for own, outer in zip(graph.inputs, fed):
            if own is place.tensor:
                return [Place(outer, place.around[:-1])]
    return [Place(tensor, place.around) for tensor in operation._inbound_nodes[node_index].input_tensors]


def _graph(operation):
    """The operations inside a model, if they are all that it computes: one with a `call` of its own is
    opaque.
    """
    inside = getattr(operation, "_functional", None) or operation  # what is inside a Sequential
    if not hasattr(inside, "_run_through_graph") or "call" in vars(operation):
        return None
    return inside if type(operation).call.__module__.startswith("keras.") else None


def room(way):
    """How far two ways to the same number may be apart, as a share of it: rounding, in the coarsest type on
    the way.
    """
    return max({"float16": 1e-2, "bfloat16": 5e-2}.get(place.tensor.dtype, 1e-3) for place in way)


def _parts_of(operation):
    """A layer and the layers in it."""
    return operation._flatten_layers() if hasattr(operation, "_flatten_layers") else [operation]


def _settings(operation):
    """What a compiled function has taken over from an operation, as far as can be seen: settings, constants,
    variables.
    """
    import keras

    parts = [
        part for part in _parts_of(operation) if not isinstance(part, keras.Model)
    ]  # whose settings are of training
    return [
        (
            part,
            getattr(part, "compute_dtype", None),
            [id(weight) for weight in getattr(part, "weights", ())],
            [
                (name, seen)
                for name, value in vars(part).items()
                if name[0] != "_" or not type(part).__module__.startswith("keras.")
                if (seen := _comparable(value)) is not None
            ],
        )
        for part in parts
    ]


def _comparable(value):
    """Something that is equal as long as a setting is; None for what isn't one."""
    if callable(value):
        return value
    if isinstance(value, (bool, int, float, str, tuple, list, dict, np.generic)):
        return repr(value)
    if type(value).__name__ == "EagerTensor":
        value = np.asarray(value)
    return (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else None


def _check_channels_last(model, way):
    first = [
        part.name
        for place in way
        for part in _parts_of(place.operation)
        if getattr(part, "data_format", None) == "channels_first"
    ]
    if first:
        raise ValueError(
            f"Model '{model.name}' has its channels first, (B, K, h, w), in '{first[0]}'; maps here are "
            "channels-last, "
            '(B, h, w, K). Build it with data_format="channels_last".'
        )


# --- inside: what TensorFlow compiles --------------------------------------------------------


class _Function(NamedTuple):
    concrete: object  # images, *more -> [finite, output, class_scores, *wanted]
    ending: str  # "logits", "softmax" or "sigmoid"
    kinds: set  # the types of TensorFlow's operations in it


def _function(model, way, want, more, overrides):
    import tensorflow as tf

    ending = []

    def answer(images, *more):
        with tf.compat.v1.get_default_graph().gradient_override_map(overrides):
            try:
                at = run(way, {way[0]: tf.cast(images, way[0].tensor.dtype)})
            except Exception as error:  # whatever a layer raises when it is called
                raise ValueError(
                    f"Model '{model.name}' fails when it is called: {_first_line(error)}"
                ) from error
        output = at[way[-1]]
        class_scores, kind = logits(output)
        ending.append(kind)
        wanted = [output, class_scores, *(want(at, class_scores, *more) if want else [])]
        return [_finite(way), *(tf.cast(array, tf.float32) for array in wanted)]

    specs = [
        tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32),
        *(tf.TensorSpec((None,), dtype) for dtype in more),
    ]
    concrete = tf.function(answer, autograph=False).get_concrete_function(*specs)
    return _Function(concrete, ending[-1], {op.type for op in concrete.graph.get_operations()})


def logits(output):
    """What a softmax or sigmoid at the very end was made of, and its kind; the output itself where there is
    none.
    """
    import tensorflow as tf

    end = output.op
    while end.type in ("Identity", "Reshape", "Squeeze", "Cast"):
        end = end.inputs[0].op
    kind = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}.get(end.type, "logits")
    return (output if kind == "logits" else tf.reshape(end.inputs[0], tf.shape(output))), kind


def _weights(way):
    import keras

    variables = {
        id(weight): (place, weight) for place in way for weight in getattr(place.operation, "weights", ())
    }
    return [
        (place, weight) for place, weight in variables.values() if keras.backend.is_float_dtype(weight.dtype)
    ]


def _finite(way):
    """Are all weights finite? A maximum may hide from the maps that one isn't."""
    import tensorflow as tf

    sums = [tf.reduce_sum(tf.cast(weight.value, tf.float32)) for _, weight in _weights(way)]
    return tf.reduce_all(tf.math.is_finite(tf.stack(sums))) if sums else tf.constant(True)


def _call(function, model, images, more):
    """A compiled function's answer in NumPy, or one sentence on why the images get none."""
    import tensorflow as tf

    def answer(images, more):
        return [
            np.asarray(array) for array in function.concrete(tf.constant(images), *map(tf.constant, more))
        ]

    try:
        answers = answer(images, more)
    except (tf.errors.OpError, ValueError) as error:
        if _are_too_small(answer, images, more):
            raise ValueError(_too_small(model, images)) from error
        raise ValueError(
            f"Model '{model.name}' fails on images of shape {images.shape}: {_first_line(error)}"
        ) from error
    if (
        any(0 in array.shape for array in answers)
        or not np.isfinite(answers[1]).all()
        and _leave_no_cells(model, images)
    ):
        raise ValueError(_too_small(model, images))
    return answers


def _leave_no_cells(model, images):
    """Is an array on the way empty? Asked where the scores aren't numbers: no cells have no mean."""
    import tensorflow as tf

    way = graph_of(model).way
    return any(
        0 in value.shape for value in run(way, {way[0]: tf.cast(images[:1], way[0].tensor.dtype)}).values()
    )


def _are_too_small(answer, images, more):
    """Would the same pictures, larger, get an answer? Asked only after they raised an error, of whatever
    kind.
    """
    import tensorflow as tf

    times = -(-256 // min(images.shape[1:3]))
    larger = images[:1].repeat(times, axis=1).repeat(times, axis=2)
    try:
        answer(larger, [m[:1] for m in more])
    except (tf.errors.OpError, ValueError):
        return False
    return times > 1


def _too_small(model, images):
    height, width = images.shape[1:3]
    return (
        f"Model '{model.name}' can't take images of {height} × {width} pixels: its layers shrink them to "
        "nothing. Give larger ones."
    )


def _check_own_answer(model, images, output, way):
    """Asked through its graph, the model must say what it says when called."""
    import keras
    import tensorflow as tf

    def same(own):
        return own.shape == output[: len(own)].shape and np.abs(own - output[: len(own)]).max() <= room(
            way
        ) * (1 + np.abs(own).max())

    def call(images):
        taken = (
            images
            if isinstance(model, keras.Sequential)
            else keras.tree.pack_sequence_as(model.input, [images])
        )
        [own] = keras.tree.flatten(model(taken, training=False))
        return tf.cast(own, tf.float32)

    try:
        own = np.asarray(call(tf.constant(images[:1])))
    except Exception as error:  # whatever a layer raises
        raise ValueError(
            f"Model '{model.name}' fails on a single image: {_first_line(error)} Build it for any number of "
            "images."
        ) from error
    # Compiled and all at once, too: rounding differs there, and a deep network without training makes much of
    # it.
    if not same(own) and not same(np.asarray(tf.function(call)(tf.constant(images)))):
        raise ValueError(
            f"Model '{model.name}' itself says {own.ravel()[:3]}, but running the layers of its graph gives "
            f"{output[0].ravel()[:3]}: it computes something that isn't in its graph, or something random."
        )


def _first_line(error):
    """The one line of an error that says what is wrong: Keras' first line says where only, TensorFlow's last
    ones too.
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines()]
    lines = [line for line in lines if line and not line.startswith("[[{{")] or ["no reason given"]
    said = lines[-1] if lines[0] == "Graph execution error:" else lines[0]
    if said.startswith("Exception encountered when calling") and len(lines) > 1:
        said = lines[1]
    return said[:300].rstrip(".") + "."
