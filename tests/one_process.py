"""``nanofoam run`` within one process: Keras is loaded once, rather than in the kernel of each notebook.

An executed notebook is the text that its cells have said. Of the figures, only those of some chapters are drawn whose
names hold one of some words::

    python one_process.py generated,scores patch,controls run --profile demo ...
"""

import ast
import functools
import json
import sys

import matplotlib

from nanofoam_lib import __main__, render
from nanofoam_lib.runs import execution, kernels


def execute(notebook, target, values, on_progress, without=None, kernel=None):
    """Take the place of `execution.execute`: run the cells here."""
    said, names = [], {"display": lambda *shown: None}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            said.append(getattr(run_cell("".join(cell["source"]), names), "data", None))
            names |= values if "parameters" in cell["metadata"].get("tags", []) else {}
    target.write_text("\n".join(text for text in said if isinstance(text, str)), encoding="utf-8")
    return []


def run_cell(source, names):
    """Run a cell, and give the value of the expression that it ends with, or None."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        return exec(source, names)
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def some(chapter, words, book):
    """Choose the figures of a chapter whose names hold one of the words; without any, nothing is drawn."""
    return (drawn for drawn in (chapter(book) if words else ()) if any(word in drawn[0] for word in words))


def main(chapters, words, *arguments):
    """Run the command line with both replaced: exit status."""
    matplotlib.use("agg")
    execution.execute = execute
    kernels.Queue.prepare = lambda queue, step: None
    for name, chapter in render.CHAPTERS.items():
        wanted = words.split(",") if name in chapters.split(",") else []
        render.CHAPTERS[name] = functools.partial(some, chapter, wanted)
    render.draw = functools.partial(render.draw, n_jobs=1)
    return __main__.main(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
