"""Files: whole or not at all, sizes in words, tables for spreadsheets."""

import csv
import errno
import os
import shutil


def write_whole(path, content):
    """Write a file that is whole or as it was, whenever the power goes. content: text, or bytes."""
    part = path.with_name(path.name + ".part")
    # Half a character is no reason to lose the rest.
    content = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with open(part, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(part, path)


def free_space(path):
    """Bytes free where `path` is, or would be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def is_full(error):
    """True if a full disk is at the root of `error` (TensorFlow has it in the message only)."""
    while error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def in_words(size):
    """12345678 -> '12.3 MB'."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def write_csv(columns, rows, path):
    """Write rows of texts and numbers under their column names; what a spreadsheet would execute gets a quote
    in front.
    """
    with open(
        path, "w", newline="", encoding="utf-8", errors="replace"
    ) as opened:  # file names may be no UTF-8
        table = csv.writer(opened, quoting=csv.QUOTE_ALL)
        table.writerow(columns)
        table.writerows([_harmless(value) for value in row] for row in rows)


def _harmless(value):
    """Text that begins like a formula is shown, not worked out."""
    return (
        f"'{value}"
        if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")
        else value
    )


def plain(text):
    """What can be printed, on one line: names and messages may hold anything."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shortened(text, width):
    """Plain text on one line, its middle left out if it is longer than `width`."""
    text = plain(text)
    return (
        text if len(text) <= width else f"{text[: width // 2]}…{text[len(text) - width + width // 2 + 1 :]}"
    )
