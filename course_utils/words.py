"""What a run says in words and tables, shown as Markdown: prose can't drift from its figures."""


def say(text):
    """A sentence with numbers from the run, shown as Markdown: prose can't drift from its figures."""
    from IPython.display import Markdown, display

    display(Markdown(text))
