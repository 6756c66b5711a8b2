"""The latent map as a scatter plot to point at, with the micrograph on hover: the part that needs jupyter-scatter."""

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from nanofoam_lib.base import language
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.progress import track
from nanofoam_lib.figures import style
from nanofoam_lib.lab import explore
from nanofoam_lib.latent import projection

SIDE, AXES = 380, 116  # of the map on screen, and what its buttons and its axis take beside it, in pixels
MARGIN = 0.06  # around the points, as a share of their range


def build(space, lang="en"):
    """Make the map of an `inspection.Space`: a `jscatter.Scatter`, coloured by class, with the micrograph on hover.

    Names of classes reach the page as text, never as HTML: so jupyter-scatter writes them.

    Raises
    ------
    DataError
        If jupyter-scatter is not installed.
    """
    jscatter = _jscatter()
    kept = [language.text(name, lang) for name in ("class", "image", "split")]
    own = pd.Categorical(space.index["label"]), space.index["id"].astype(str), space.index["split"]
    table = pd.DataFrame(dict(zip(kept, own, strict=True))).replace({kept[2]: _sides(lang)})
    table["micrograph"] = [thumbnail(image) for image in track(space.images, "Thumbnails")]
    for name, found in space.maps.items():
        plane = projection.project(found, space.mu)
        table = table.assign(**dict(zip(explore.titles(space, name), plane.T, strict=True)))
    for name, own in space.measures.dropna(axis=1, how="all").items():
        table[language.text(name, lang)] = own.fillna(own.min())  # `colour` hides these points
    made = jscatter.Scatter(
        *explore.titles(space, "PCA"), data=table, height=SIDE, size=6, opacity=0.8, opacity_unselected=0.6,
        background_color="white", transition_points_duration=800, legend=True, axes_labels=True, tooltip=True,
        tooltip_properties=kept, tooltip_preview="micrograph", tooltip_preview_type="image",
        tooltip_preview_image_height=128,
    )  # fmt: skip
    turn(made, space, "PCA")
    colour(made, space, "label", lang)
    return made


def _sides(lang):
    """Call the two sides of the split as a reader does."""
    return {side: language.text(side, lang) for side in ("train", "test")}


def turn(made, space, name):
    """Show the map `name`, with a margin around its points."""
    titles = explore.titles(space, name)
    plane = projection.project(space.maps[name], space.mu)
    margin = MARGIN * np.ptp(plane, axis=0)
    x, y = zip(plane.min(axis=0) - margin, plane.max(axis=0) + margin, strict=True)
    made.xy(*titles, x_scale=x, y_scale=y)


def colour(made, space, name, lang="en"):
    """Colour the map by class ("label") or by a pore measure; points where that is unknown are hidden."""
    if name == "label":
        made.color(by=language.text("class", lang), map=style.class_colours(space.index["label"])).filter(None)
    else:
        known = np.flatnonzero(space.measures[name].notna())
        made.color(by=language.text(name, lang), map="viridis").filter(known)


def mark(explorer):
    """Draw where the moved point lies: the way from what is looked at, and a cross. A list of jscatter annotations."""
    line = _jscatter().Line
    start, (x, y) = explorer.here()
    plane = explorer.space.maps[explorer.map].train
    dx, dy = 0.02 * np.ptp(plane, axis=0)
    strokes = [[start, (x, y)], [(x - dx, y), (x + dx, y)], [(x, y - dy), (x, y + dy)]]
    return [line([tuple(map(float, end)) for end in stroke], line_width=2) for stroke in strokes]


def thumbnail(image):
    """Give a micrograph as a JPEG in a ``data:`` address, which the map shows on hover."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _jscatter():
    try:
        import jscatter
    except ImportError as error:
        raise DataError("the map needs jupyter-scatter: pip install nanofoam[interactive]") from error
    return jscatter
