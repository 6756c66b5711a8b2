"""Whether a text is in Spanish: words that no Spanish sentence has."""

import re

from conftest import ODD

#: Words that no Spanish sentence has: common ones, and those of this field.
ENGLISH = set(
    re.findall(
        r"\w+",
        """the of and to in is are was were been that this these those which what whom whose than then there their its
        with without within by for from on at as or but not nor none more most less least each every all any some other
        images image pictures picture specimens specimen groups group classes class pores pore measure measures accuracy
        chance train training held drawn draws tells tell told knows looks follows differ differs between over under
        value values size sizes split dimension dimensions random forest skill rows row files file""",
    )
)
#: What stays in every language: paths, code, names of models, layers and versions.
NAMES = re.compile(r"\S*[/_\\]\S*|\S+\.(csv|py|yaml|json|pdf)\b|[a-z]+-\d+|\d[\w.]*|`[^`]*`")


def english_in(said):
    """List the English words of a text."""
    for name in (ODD, "CuNi"):
        said = said.replace(name, " ")
    return sorted({word for word in re.findall(r"[a-zA-Zá-úñ]+", NAMES.sub(" ", said)) if word.lower() in ENGLISH})
