"""Plain data between the examiner and the student's process: bounded, and nothing of it runs when it is read.

Numbers, texts, lists, sets, dicts and arrays travel as JSON, arrays as their bytes; whatever else a
student's code gives back arrives as its kind only, a `Foreign`. Nothing is pickled.
"""

import base64
import builtins
import json
import math
import re
from types import SimpleNamespace

import numpy as np

LARGEST = 50_000_000  # bytes of one message
_DTYPE = re.compile(r"[<>|=]?[biuf][1248]")
_KNOWN = ("str", "bytes", "dict", "complex", "generator", "map", "zip", "function", "type", "object")


class Foreign:
    """Something that is no plain data. `kind` names it where it is one of Python's own."""

    def __init__(self, kind):
        self.kind = kind if kind in _KNOWN else "object"

    def __repr__(self):
        return f"<{self.kind}>"


def send(line, message):
    """Send one message, a dict as JSON has it."""
    line.send_bytes(json.dumps(message).encode())


def receive(line):
    """The next message; ValueError for what is none, OSError or EOFError where nobody is left to send it."""
    message = json.loads(line.recv_bytes(LARGEST))
    if not isinstance(message, dict):
        raise ValueError("a message is a dict")
    return message


def error(kind, text=""):
    """One of Python's own exceptions by its name; an Exception where it has another."""
    known = getattr(builtins, kind, None) if isinstance(kind, str) else None
    ours = isinstance(known, type) and issubclass(known, BaseException)
    return (known if ours and not issubclass(known, UnicodeError) else Exception)(*filter(None, [text]))


def encode(value, other=lambda value: {"is": "other", "kind": type(value).__name__}):
    """What `json.dumps` takes, of a value. other: what stands for a value that is no plain data."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if value is Ellipsis:
        return {"is": "ellipsis"}
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) < 2**63 else encode(float(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _encoded_array(np.asarray(value), other)
    if isinstance(value, (list, range)):
        return [encode(part, other) for part in value]
    if isinstance(value, tuple):
        return {"is": "tuple", "of": [encode(part, other) for part in value]}
    if isinstance(value, (set, frozenset)):
        return {"is": "set", "of": [encode(part, other) for part in value]}
    if isinstance(value, dict):
        return {"is": "dict", "of": [[encode(k, other), encode(v, other)] for k, v in value.items()]}
    if isinstance(value, SimpleNamespace):
        return {"is": "namespace", "of": encode(vars(value), other)}
    if hasattr(value, "__array__") and not isinstance(value, type):
        return _encoded_array(np.asarray(value), other)
    if hasattr(value, "__float__") and not isinstance(value, type):
        return float(value)  # a fraction
    return other(value)


def _encoded_array(array, other):
    if array.dtype.kind == "O" or array.dtype.itemsize > 8 and array.dtype.kind == "f":
        try:
            array = array.astype(float)
        except (TypeError, ValueError):
            return other(array)
    if not _DTYPE.fullmatch(array.dtype.str):
        return other(array)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"is": "array", "dtype": array.dtype.str, "shape": list(array.shape), "data": data}


def decode(data, other=lambda data: Foreign(str(data.get("kind"))), text=True):
    """The value that `encode` sent; ValueError where it can't be one.

    other: makes a value of what was no plain data. text: without it, texts are foreign as well: a test asks
    for numbers, and what it says may repeat them.
    """
    try:
        return _decoded(data, other, text)
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError("no plain data") from error


def _decoded(data, other, text):
    if data is None or isinstance(data, (bool, float)):
        return data
    if isinstance(data, int):
        return data if abs(data) < 2**63 else float(data)
    if isinstance(data, str):
        return data if text else Foreign("str")
    if isinstance(data, list):
        return [_decoded(part, other, text) for part in data]
    kind = data["is"]
    if kind == "ellipsis":
        return ...
    if kind == "tuple":
        return tuple(_decoded(part, other, text) for part in data["of"])
    if kind == "set":
        return {_decoded(part, other, text) for part in data["of"]}
    if kind == "dict":
        return {_decoded(k, other, True): _decoded(v, other, text) for k, v in data["of"]}
    if kind == "namespace":
        return SimpleNamespace(**_decoded(data["of"], other, text))
    if kind == "array":
        return _decoded_array(data["dtype"], data["shape"], data["data"])
    return other(data)


def _decoded_array(dtype, shape, data):
    raw = base64.b64decode(data, validate=True)
    sizes = all(isinstance(n, int) and 0 <= n <= LARGEST for n in shape) and len(shape) <= 32
    if not _DTYPE.fullmatch(dtype) or not sizes:
        raise ValueError("no array")
    dtype = np.dtype(dtype)
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise ValueError("an array of another size")
    if dtype.kind == "b":  # a truth value has one byte, and that is 0 or 1
        return (np.frombuffer(raw, np.uint8) != 0).reshape(shape)[()]
    return np.frombuffer(raw, dtype).reshape(shape).copy()[()]
