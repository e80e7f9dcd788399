"""What several test modules ask in the same words."""

import contextlib

import pytest


@contextlib.contextmanager
def refused(*fragments, error=ValueError):
    """The block raises `error` with one plain sentence on one line that holds every fragment."""
    with pytest.raises((ValueError, TypeError, FileNotFoundError)) as caught:
        yield
    message = str(caught.value)
    assert caught.type is error, f"{caught.type.__name__}: {message}"
    assert "\n" not in message and len(message) < 600, message
    assert message.rstrip()[-1] in ".)`]", message
    for fragment in fragments:
        assert str(fragment) in message, f"{fragment!r} is missing in: {message}"
