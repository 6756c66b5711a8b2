"""What the ``parameters`` cell of a notebook assigns, and how papermill is to read it."""

import ast
from typing import Any


def read(source: str) -> dict[str, Any]:
    r"""Read the literals that a ``parameters`` cell assigns: dict of name to value.

    Examples
    --------
    >>> read("epochs, steps = 2, None  # steps go before epochs\nseed = 0")
    {'epochs': 2, 'steps': None, 'seed': 0}
    """
    values = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], ast.literal_eval(node.value)
            pairs = zip(target.elts, value, strict=True) if isinstance(target, ast.Tuple) else [(target, value)]
            values |= {ast.unparse(name): own for name, own in pairs}
    return values


def teach_papermill() -> None:
    """Let papermill find all that a cell assigns: its own search sees one name a line, and warns of every other."""
    from papermill.models import Parameter
    from papermill.translators import PythonTranslator, papermill_translators

    class Literals(PythonTranslator):
        @classmethod
        def inspect(cls, parameters_cell):
            found = read(parameters_cell["source"])
            return [Parameter(name, type(value).__name__, repr(value), "") for name, value in found.items()]

    papermill_translators.register("python", Literals)
