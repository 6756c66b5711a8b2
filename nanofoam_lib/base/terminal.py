"""What is written to a terminal: lines of characters that it can show, and none that it obeys."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence

from nanofoam_lib.base import safe_names
from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.base.messages import message


def prepare() -> None:
    r"""Let what the encoding of the locale lacks come out as an escape: ``µ`` as ``\\xb5`` where LC_ALL is C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def check_arguments(arguments: list[str]) -> None:
    """Raise UsageError if names of files cannot be read because the locale is of another encoding than UTF-8."""
    encoding = sys.getfilesystemencoding()
    odd = [text for text in arguments if any("\udc80" <= letter <= "\udcff" for letter in text)]
    if odd and encoding != "utf-8":
        raise UsageError(f"{safe_names.short(odd[0])}: {ADVICE}")


#: What to do where names of files are bytes that mean nothing.
ADVICE = "names of files are not read as UTF-8 here; set the environment variable PYTHONUTF8 to 1"


def language(environment: Mapping[str, str] = os.environ, arguments: Sequence[str] = ()) -> str:
    """Give the language that the arguments of a command ask for, or else the environment: "es" or "en".

    Examples
    --------
    >>> language({"LANG": "es_MX.UTF-8"}), language({"LANG": "es_ES", "LC_ALL": "C"}), language({})
    ('es', 'en', 'en')
    >>> language({"LANG": "en_GB"}, ["run", "--lang", "es"]), language({}, ["--lang", "es", "run", "--lang", "en"])
    ('es', 'en')
    """
    if found := re.findall(r"(?:^|\n)--lang[=\n](en|es)(?=\n|$)", "\n".join(arguments)):
        return found[-1]
    asked = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "es" if re.match(r"es(_|\.|@|$)", asked) else "en"


def complain(text: object, lang: str = "en", kind: str = "error") -> None:
    """Write one line to stderr: an error or a warning, in which names and values may stand that others chose."""
    remark(f"{message(kind, lang)}: {message(' '.join(str(text).split()), lang)}")


def remark(text: str, lang: str = "en") -> None:
    """Write one line to stderr that is neither an error nor a warning."""
    print(f"nanofoam: {_shown(message(text, lang))}", file=sys.stderr)


def say(text: object, lang: str = "en") -> None:
    """Write lines to stdout in the same way."""
    print("\n".join(_shown(message(line, lang)) for line in str(text).split("\n")))


def _shown(line):
    """Show a line; a space that breaks no line, as before a Spanish %, is a space here."""
    return safe_names.shown(line.replace("\N{NO-BREAK SPACE}", " "))


def say_json(text: str) -> None:
    """Write JSON to stdout, what cannot be shown as the escapes that JSON has for it."""
    print(re.sub(r"[^\n]", lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text))
