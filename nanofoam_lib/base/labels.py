"""What the entries of a registry are called."""

from typing import NamedTuple


class Label(NamedTuple):
    """Words of one meaning in each language of figures and reports."""

    en: str
    es: str

    def in_language(self, lang):
        """Give the words in the language "en" or "es"."""
        return getattr(self, lang)
