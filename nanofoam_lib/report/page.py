"""Pages of HTML that stand alone: one file, no network, light and dark, tables that sort."""

import base64
import hashlib
import pathlib

import jinja2
import markupsafe

TEMPLATES = pathlib.Path(__file__).with_name("templates")


def render(template, **values):
    """Fill in a template; its page carries style and script, and forbids everything else.

    Parameters
    ----------
    template : str
        File name in ``templates/``; extends ``page.html.j2``.
    **values
        What the template names. Text is escaped unless it is `markupsafe.Markup`.

    Returns
    -------
    str
        HTML. Its content security policy lets embedded images, this style and this script through, by their hash.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    parts = {name: (TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")}
    hashes = f"style-src {_hash(parts['page.css'])}; script-src {_hash(parts['page.js'])}"
    policy = f"default-src 'none'; img-src data:; {hashes}; base-uri 'none'; form-action 'none'"
    own = {"style": markupsafe.Markup(parts["page.css"]), "script": markupsafe.Markup(parts["page.js"])}
    return environment.get_template(template).render(policy=markupsafe.Markup(policy), **own, **values)


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
