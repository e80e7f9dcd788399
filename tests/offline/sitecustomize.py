"""Put on PYTHONPATH by the tests: every Python started below them, notebook kernels too, is denied the network."""

import sys

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
