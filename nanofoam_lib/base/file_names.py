"""Names of files that are made from names of classes: short, plain, and each its own."""

import hashlib
import re
from collections.abc import Collection, Iterable

#: Letters of a file's name that come from a label.
LONGEST = 60
#: What a name may be made of: fit for every disk, for LaTeX and for an address.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+)*")


def of_labels(labels: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Give each label a name for a file.

    Parameters
    ----------
    labels : iterable of str
        Those that stand beside each other.
    taken : collection of str
        Names, in small letters, that mean something else, also as the end of a longer one after ``_``.

    Returns
    -------
    dict
        Label → itself if it is plain, at most `LONGEST` letters long, not taken, and differs from the others in more
        than small and capital letters; else what is plain in it and eight digits that follow from all of it.

    Examples
    --------
    >>> of_labels(["CuNi1", "a/b"])
    {'CuNi1': 'CuNi1', 'a/b': 'a-b-c14cddc0'}
    """
    labels = sorted(set(labels))
    folded = [label.casefold() for label in labels]
    return {label: label if _is_plain(label, folded, taken) else _made(label) for label in labels}


def _is_plain(label, folded, taken):
    last = label.rpartition("_")[2]
    return (
        len(label) <= LONGEST
        and _PLAIN.fullmatch(label) is not None
        and not label.endswith(".")
        and folded.count(label.casefold()) == 1
        and label.casefold() not in taken
        and last.casefold() not in taken
    )


def _made(label):
    digits = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:8]
    words = re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")[: LONGEST - 9].strip("-")
    return f"{words}-{digits}" if words else digits
