"""Where many pieces of work are done: on this machine's cores, or on the workers of a Dask cluster.

Both are one thing to who has the work: `submit` gives a future. A piece of work is a function that a worker
can import and arguments that can travel; what is written is written by who asked.
"""

import collections
import concurrent.futures
import contextlib
import os
from typing import NamedTuple


class Lost(Exception):
    """This piece of work wasn't done, through no fault of its own; it can be given again."""


class Workers(NamedTuple):
    """Those who work."""

    submit: object  # (function, *arguments) -> concurrent.futures.Future
    everywhere: object  # (function, *arguments) -> [result on each machine, or worker]
    count: int


@contextlib.contextmanager
def workers(scheduler=None, jobs=None, timeout="20s"):
    """`Workers`, for as long as the `with` lasts.

    scheduler: address of a Dask scheduler ("tcp://host:8786"), or the file that it wrote with
    --scheduler-file; None for this machine. jobs: how many at once on this machine (default: one a core).
    timeout: how long the scheduler may take to answer. Raises RuntimeError in one sentence where the cluster
    isn't there, or has another course.
    """
    if scheduler is None:
        jobs = jobs or os.cpu_count()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            yield Workers(pool.submit, lambda function, *arguments: [function(*arguments)], jobs)
        return
    with _client(str(scheduler), timeout) as client, client.get_executor(pure=False) as pool:

        def everywhere(function, *arguments):
            return list(client.run(function, *arguments).values())

        count = sum(client.nthreads().values())
        try:
            versions = set(everywhere(_version))
        except ImportError as error:
            raise RuntimeError(
                f"A worker can't import the course ({error}); install it there, too."
            ) from None
        if versions != {_version()}:
            others = ", ".join(sorted(versions - {_version()}))
            raise RuntimeError(f"Workers have the course {others}, and here it is {_version()}; install one.")
        yield Workers(pool.submit, everywhere, count)


def _client(scheduler, timeout):
    try:
        from distributed import Client
    except ImportError as error:
        raise RuntimeError(
            f"--scheduler needs Dask ({error}); install it: pip install 'cam-course[cluster]'."
        ) from None
    where = {"scheduler_file": scheduler} if os.path.isfile(scheduler) else {"address": scheduler}
    try:
        client = Client(**where, timeout=timeout, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        why = " ".join(str(error).split())[:200]
        raise RuntimeError(
            f"There is no Dask scheduler at {scheduler} ({why}); start one: dask scheduler."
        ) from None
    if not client.nthreads():
        client.close()
        raise RuntimeError(
            f"The scheduler at {scheduler} has no workers; start some: dask worker {scheduler}."
        )
    return client


def _version():
    import course_utils

    return course_utils.__version__


def in_turn(submit, items, ahead):
    """(item, future) one after the other, in order; no more than `ahead` are on their way: what they bring
    takes memory.

    items: of (item, function, *arguments), made when it is their turn.
    """
    waiting = collections.deque()
    try:
        for item, *work in items:
            waiting.append((item, submit(*work)))
            if len(waiting) >= ahead:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, future in waiting:
            future.cancel()


def result(future):
    """What a piece of work gave; raises what it raised, or `Lost`."""
    try:
        return future.result()
    except concurrent.futures.CancelledError:
        raise Lost("the cluster went away") from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "distributed":  # worker after worker died, or all did
            raise Lost(" ".join(str(error).split())[:200] or type(error).__name__) from None
        raise
