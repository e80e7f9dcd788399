"""One file from the internet: whole and checked, or not at all.

It arrives as `<name>.part`, goes on from there after an interruption, and gets its final name only
when size and hash are right.
"""

import hashlib
import os
import re
import sys
import time
from urllib.parse import urlsplit

from course_utils.files import free_space, in_words, is_full

PAUSES = (1, 3, 6)  # seconds before each new try; the count starts again whenever bytes have arrived
TIMEOUT = (15, 60)  # seconds to connect, and between two packets
CHUNK = 1 << 14  # bytes; what has arrived of a chunk is lost when the line is cut


class FetchError(Exception):
    """Why a fetch failed, in a sentence without its full stop; `advice` is another one: what to try."""

    def __init__(self, what, advice="Run the same command again later: it goes on where it stopped."):
        super().__init__(what)
        self.advice = advice


def download(url, path, size, digest, algorithm="sha256"):
    """Get `url` as the file `path` with `size` bytes and the given hash; raises FetchError or OSError."""
    part = part_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if length(path) == size and hash_of(path, algorithm) == digest:
            return
        os.replace(path, part)  # torn by another program; often the beginning of the right file
    most = length(part)
    from_first_byte, pauses = most == 0, iter(PAUSES)
    while True:
        trouble = _receive(url, path, size) if length(part) < size else None
        if length(part) >= size:
            got = hash_of(part, algorithm)
            if got == digest:
                break
            part.unlink()
            if from_first_byte:
                raise FetchError(
                    f"the {algorithm} hash of {_file_name(url)} differs: expected {digest}, got {got}",
                    "Try another network; if it stays so, the publisher has changed the file.",
                )
            from_first_byte, most = True, 0  # its beginning came from an earlier run: once more without
            continue
        if length(part) > most:
            most, pauses = length(part), iter(PAUSES)
        pause = next(pauses, None)
        if pause is None:
            raise FetchError(f"{trouble}; {in_words(length(part))} of {in_words(size)} are here")
        print(f"{trouble}; trying again in {pause} s", file=sys.stderr)
        time.sleep(pause)
    with open(part, "rb+") as file:
        os.fsync(file.fileno())  # on the disk before it gets its name, should the power fail
    os.replace(part, path)


def _receive(url, path, size):
    """Add what is missing to the part of `path`; returns in words why it stopped short, or None."""
    import requests

    start, host = length(part_of(path)), urlsplit(url).netloc
    headers = {"Accept-Encoding": "identity"}  # the file's own bytes: sizes and ranges count those
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 429 or answer.status_code >= 500:
                return f"{host} said {answer.status_code} {answer.reason}"
            _write(answer, path, _first_byte(answer, url, path, start, size), size, label=_file_name(url))
    except requests.exceptions.SSLError:
        raise FetchError(
            f"no secure connection to {host}: its certificate could not be verified",
            "Check the clock; behind a proxy let REQUESTS_CA_BUNDLE name its certificate file.",
        ) from None
    except requests.exceptions.ProxyError:
        raise FetchError(f"the proxy did not let us through to {host}", "Check HTTPS_PROXY.") from None
    except requests.exceptions.ConnectionError:
        return f"no connection to {host}: this machine is offline, or a firewall is in between"
    except requests.exceptions.RequestException:
        pass  # cut in the middle: told below, as when the server just ends early
    return None if length(part_of(path)) == size else f"the connection to {host} broke off"


def _first_byte(answer, url, path, start, size):
    """The byte from which the server sends: `start`, or 0 if it ignores ranges; else raises."""
    by_hand = f"Try another network; or get {url} with a browser, save it as {path} and run this again."
    if answer.status_code not in (200, 206):
        raise FetchError(f"the server said {answer.status_code} {answer.reason} to {url}", by_hand)
    if "html" in answer.headers.get("Content-Type", ""):
        raise FetchError(
            f"a web page came instead of {url}",
            "Open a browser: there may be a log-in page between you and the internet.",
        )
    if answer.status_code == 200:
        start, total = 0, int(answer.headers.get("Content-Length", size))
    else:
        found = re.search(r"(\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        begin, total = found.groups() if found else ("?", size)
        if begin != str(start):
            raise FetchError(f"the server sent byte {begin} of {url} when asked for byte {start}", by_hand)
    if int(total) != size:
        raise FetchError(f"the size of {url} differs: expected {size:,} bytes, got {int(total):,}", by_hand)
    return start


def _write(answer, path, start, size, label):
    from tqdm import tqdm

    try:
        with (
            open(part_of(path), "ab" if start else "wb") as file,
            tqdm(total=size, initial=start, desc=label, unit="B", unit_scale=True) as bar,
        ):
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    except OSError as error:
        if not is_full(error):
            raise  # the network's errors are OSErrors, too
        needed, free = size - length(part_of(path)), free_space(path)
        raise FetchError(
            f"the disk is full: {in_words(needed)} more needed, {in_words(free)} free",
            "Make room and run the same command again: it goes on where it stopped.",
        ) from None


def _file_name(url):
    return urlsplit(url).path.rpartition("/")[2]


def part_of(path):
    """Where `path` is while it is not yet whole."""
    return path.with_name(path.name + ".part")


def length(path):
    """Bytes in a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def hash_of(path, algorithm):
    """Hash of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
