"""Fair turns: contestants alternate in one process, so that whatever slows one slows all of them."""

import time


def seconds(call):
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def take_turns(contestants, limit, least=3, warm_up=True):
    """Times of all contestants, {name: callable} -> {name: [seconds, one a round]}.

    One untimed call each, then rounds of one call each until `limit` seconds are over, `least` rounds at
    least. Each round starts with another contestant, so that none always runs in the wake of the same.
    """
    names = list(contestants)
    if warm_up:
        for name in names:
            contestants[name]()
    times, start = {name: [] for name in names}, time.perf_counter()
    while len(times[names[0]]) < least or time.perf_counter() - start < limit:
        first = len(times[names[0]]) % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(seconds(contestants[name]))
    return times


def ratios(times, name, to):
    """How many times as long `name` took as `to`, round by round."""
    return [a / b for a, b in zip(times[name], times[to])]
