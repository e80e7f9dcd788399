"""What a run says in words and tables, shown as Markdown: prose can't drift from its figures."""


def say(text):
    """A sentence with numbers from the run, shown as Markdown."""
    from IPython.display import Markdown, display

    display(Markdown(text))


def table(*rows):
    """Rows of texts as a table, shown as Markdown; the first one is its head.

    Raises ValueError for rows of different lengths, whose cells would stand under the wrong heads.
    """
    if not rows or len({len(row) for row in rows}) > 1:
        raise ValueError(
            f"Rows have {[len(row) for row in rows]} cells; expected a head and as many cells in every row."
        )
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    say("\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]))
