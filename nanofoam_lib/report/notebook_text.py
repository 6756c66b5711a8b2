"""Sentences in a notebook: Markdown in which names from the disk stay text."""

import html

from IPython.display import Markdown


def markdown(*texts: str) -> Markdown:
    """Show Markdown, such as `findings` give it, each text as a paragraph or more.

    HTML in it, which only a file's or class's name can bring, is text.

    Examples
    --------
    >>> markdown("**<img src=x>** is a class").data
    '**&lt;img src=x&gt;** is a class'
    """
    return Markdown(html.escape("\n\n".join(texts), quote=False))
