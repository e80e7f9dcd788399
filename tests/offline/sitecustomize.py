"""Put on PYTHONPATH by the tests: every Python started below them, notebook kernels too, is denied the
network.

And in each of them TensorFlow greets as it does on some processors, so that the tests see it on all.
"""

import os
import sys

GREETING = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1700000000.000000       1 port.cc:153] oneDNN custom operations are on. You may see "
    b"slightly different "
    b"numerical results due to floating-point round-off errors from different computation orders.\n"
)

_LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}


def _deny(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if (host.decode() if isinstance(host, bytes) else host) not in _LOCAL:
        raise PermissionError(f"The tests deny the network; something tried to reach {host!r}.")


sys.addaudithook(_deny)


class _Greets:
    """Writes TensorFlow's greeting while it is imported, where its native code does."""

    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow.python":
            os.write(2, GREETING)


sys.meta_path.insert(0, _Greets())
