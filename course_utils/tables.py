"""Tables for spreadsheets."""

import csv


def write_csv(columns, rows, path):
    """Write rows of texts and numbers under their column names; what a spreadsheet would execute gets a quote
    in front.
    """
    with open(
        path, "w", newline="", encoding="utf-8", errors="replace"
    ) as opened:  # file names may be no UTF-8
        csv.writer(opened, quoting=csv.QUOTE_ALL).writerows(
            [columns, *([_harmless(value) for value in row] for row in rows)]
        )


def _harmless(value):
    """Text that begins like a formula is shown, not worked out."""
    return (
        f"'{value}"
        if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")
        else value
    )
