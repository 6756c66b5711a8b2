"""The explorer's controls in JupyterLab: a map to point at, sliders to move by, pictures that follow."""

import base64
import contextlib
import html
import io

import numpy as np
import pandas as pd
from ipywidgets import HTML, BoundedIntText, Button, Dropdown, FloatSlider, HBox, Image, Layout, ToggleButtons, VBox
from PIL import Image as Picture

from nanofoam_lib import explore, inspection, projection, style
from nanofoam_lib.errors import DataError
from nanofoam_lib.progress import track

MAP, PICTURE, OVERLAY = 440, 168, 124  # widths on screen, in pixels
CSS = """<style>
.nanofoam { color: var(--jp-ui-font-color1); }
.nanofoam .widget-html-content { line-height: 1.4; }
.nanofoam small { color: var(--jp-ui-font-color2); }
.nanofoam table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.nanofoam td, .nanofoam th { padding: 1px 14px 1px 0; text-align: right; font-weight: normal; }
.nanofoam td:first-child { text-align: left; }
.nanofoam th { color: var(--jp-ui-font-color2); }
.nanofoam img { border-radius: 2px; }
</style>"""


def show(explorer, stem):
    """Show an `explore.Explorer` with its controls.

    Parameters
    ----------
    explorer : explore.Explorer
    stem : path-like
        Where the save button writes: ``<stem>_1.pdf``, ``.png`` and ``.csv``, then ``<stem>_2`` and so on.

    Returns
    -------
    ipywidgets.Widget
        The controls; where jupyter-scatter is not installed, one line that says what to do.
    """
    try:
        return Panel(explorer, stem).widget
    except DataError as error:
        return HTML(html.escape(str(error)))


class Panel:
    """The controls of an `explore.Explorer`: each changes what is looked at, then shows it anew.

    Parameters
    ----------
    explorer, stem
        As for `show`.

    Attributes
    ----------
    widget : ipywidgets.Widget
        All of it.
    scatter : jscatter.Scatter
        The map.
    sliders : list of ipywidgets.FloatSlider
        One for each of ``explorer.space.dimensions``.

    Raises
    ------
    DataError
        If jupyter-scatter is not installed.
    """

    def __init__(self, explorer, stem):
        self.explorer, self.stem = explorer, stem
        space = explorer.space
        self.scatter = scatter(space)
        self.sliders = _sliders(space)
        self.map = ToggleButtons(options=list(space.maps), style={"button_width": "56px"}, tooltips=list(space.maps))
        self.colour = Dropdown(options=_colours(space), description="Colour", layout=_width(230), style=_label(44))
        self.image = BoundedIntText(
            max=len(space.images) - 1, description="Image", layout=_width(120), style=_label(40)
        )
        self.back = Button(description="Undo moves", icon="undo", layout=_width(110))
        self.save = Button(description="Save picture", icon="save", layout=_width(120))
        self.heading, self.gauge, self.facts, self.status = (HTML() for _ in range(4))
        self.pictures = [_picture(PICTURE) for _ in range(3)]
        self.overlays = [_picture(OVERLAY) for _ in range(4)]
        self.widget = self._lay_out()
        self._listen()
        self._show_sight()

    def _lay_out(self):
        gap = Layout(justify_content="space-between", align_items="center", width="100%")
        tools = HBox([HBox([self.map, self.colour, self.image]), HBox([self.back, self.save])], layout=gap)
        hint = HTML("<small>Move a dimension: its pore measure, and Spearman's ρ with it</small>")
        pictures = HBox([VBox([title, image]) for title, image in self.pictures], layout=Layout(grid_gap="8px"))
        overlays = HBox([VBox([title, image]) for title, image in self.overlays], layout=Layout(grid_gap="8px"))
        right = VBox([self.heading, pictures, self.gauge, hint, *self.sliders], layout=_width(3 * PICTURE + 24))
        plane = VBox([self.scatter.show(["pan_zoom", "lasso", "reset"])], layout=_width(MAP + 46))
        below = HBox([VBox([self.facts], layout=_width(MAP + 46)), overlays], layout=Layout(grid_gap="16px"))
        above = HBox([plane, right], layout=Layout(grid_gap="16px"))
        whole = VBox([HTML(CSS), tools, above, below, self.status], layout=Layout(width="1030px"))
        whole.add_class("nanofoam")
        return whole

    def _listen(self):
        self._heard = True
        self.map.observe(lambda change: self._turn(change["new"]), "value")
        self.colour.observe(lambda change: self._colour(change["new"]), "value")
        self.image.observe(lambda change: self._select([change["new"]]), "value")
        self.scatter.widget.observe(lambda change: self._select(change["new"]), "selection")
        self.back.on_click(lambda _: self._select(self.explorer.sight.rows))
        self.save.on_click(lambda _: self._save())
        for slider in self.sliders:
            slider.observe(lambda _: self._walk(), "value")

    def _select(self, rows):
        if self._heard and len(rows):
            self.explorer.select(rows)
            self._show_sight()

    def _walk(self):
        if self._heard:
            self.explorer.walk([slider.value for slider in self.sliders])
            self._show_step()

    def _turn(self, name):
        self.explorer.map = name
        self.scatter.xy(*self.explorer.titles())
        self._mark()

    def _colour(self, name):
        self.explorer.colour = name
        colour(self.scatter, self.explorer.space, name)

    def _save(self):
        self.status.value = "<small>Saving …</small>"
        try:
            said = f"Saved {self.explorer.save(self.stem)} as .pdf, .png and .csv"
        except OSError as error:
            said = f"Not saved: {error}"
        self.status.value = f"<small>{html.escape(said)}</small>"

    @contextlib.contextmanager
    def _unheard(self):
        """Set controls without their answering."""
        self._heard = False
        try:
            yield
        finally:
            self._heard = True

    def _show_sight(self):
        """Show what is looked at, and set the controls to it."""
        sight, space = self.explorer.sight, self.explorer.space
        with self._unheard():
            self.scatter.selection(sight.rows)
            if self.explorer.maps:
                self.image.value = sight.rows[0]
            for slider, value in zip(self.sliders, sight.start[space.dimensions["dimension"]], strict=True):
                slider.value = value
        self.heading.value = f"<b>{html.escape(explore.describe(space, sight.rows))}</b>"
        named = ("micrograph", "reconstruction") if self.explorer.maps else ("mean image", "decoded mean")
        for own, name, picture in zip(self.pictures, named, (sight.picture, sight.reconstruction), strict=False):
            _set(own, name, picture)
        for own in self.overlays[len(self.explorer.maps) :]:
            own[0].layout.visibility = own[1].layout.visibility = "hidden"
        for own, (dimension, picture) in zip(self.overlays, self.explorer.overlays().items(), strict=False):
            _set(own, f"Grad-CAM of {dimension}", picture)
        self.facts.value = facts(space, sight.rows)
        self._show_step()

    def _show_step(self):
        """Show the moved point: its picture, its gauge, its place on the map."""
        step = self.explorer.step
        _set(self.pictures[2], "moved", step.picture)
        self.gauge.value = gauge(self.explorer.space, step)
        self._mark()

    def _mark(self):
        self.scatter.annotations(mark(self.explorer))


def scatter(space):
    """Make the map of a `inspection.Space`: a `jscatter.Scatter`, coloured by class, with the micrograph on hover.

    Raises
    ------
    DataError
        If jupyter-scatter is not installed.
    """
    jscatter = _jscatter()
    table = pd.DataFrame({"class": pd.Categorical(space.index["label"]), "id": space.index["id"].astype(str)})
    table["split"] = space.index["split"]
    table["micrograph"] = [thumbnail(image) for image in track(space.images, "Thumbnails")]
    for name, found in space.maps.items():
        plane = projection.project(found, space.mu)
        table = table.assign(**dict(zip(explore.titles(space, name), plane.T, strict=True)))
    table = table.assign(**{style.MEASURES.get(name, name): own for name, own in space.measures.items()})
    made = jscatter.Scatter(
        *explore.titles(space, "PCA"), data=table, height=MAP, size=6, opacity=0.8, background_color="white",
        tooltip=True, tooltip_properties=["class", "id", "split"], tooltip_preview="micrograph",
        tooltip_preview_type="image", tooltip_preview_image_height=128, legend=True, axes_labels=True,
    )  # fmt: skip
    colour(made, space, "label")
    return made


def colour(made, space, name):
    """Colour the map by class ("label") or by a pore measure; points where that is unknown are hidden."""
    if name == "label":
        made.color(by="class", map=style.class_colours(space.index["label"])).filter(None)
    else:
        known = np.flatnonzero(space.measures[name].notna())
        made.color(by=style.MEASURES.get(name, name), map="viridis").filter(known)


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
    Picture.fromarray(image).save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def gauge(space, step):
    """Say in HTML how far off real images a `inspection.Step` is, behind a dot in green or vermilion."""
    dot = style.COLOURS[4] if step.extrapolation else style.COLOURS[2]
    return f'<span style="color: {dot}">●</span> {html.escape(explore.gauge_text(space, step))}'


def facts(space, rows):
    """Tell the pore measures and the classes of `rows` in HTML; names are escaped."""
    measures = "".join(
        f"<tr><td>{html.escape(style.MEASURES.get(row.Index, row.Index))}</td><td>{row.shown:.3g}</td>"
        f"<td>{row.all:.3g}</td></tr>"
        for row in inspection.compare(space, rows).itertuples()
    )
    colours = style.class_colours(space.index["label"])
    mix = " ".join(
        f'<span style="color: {colours[label]}">●</span> {html.escape(label)} {share:.0%}'
        for label, share in inspection.class_mix(space, rows).items()
    )
    return f"<table><tr><td></td><th>here</th><th>all images</th></tr>{measures}</table>{mix}"


def _jscatter():
    try:
        import jscatter
    except ImportError as error:
        raise DataError("the map needs jupyter-scatter: pip install nanofoam[interactive]") from error
    return jscatter


def _sliders(space):
    """Make a slider for each of the strongest dimensions; it goes half the range of real images beyond them."""
    made = []
    for row in space.dimensions.itertuples():
        values = space.mu[:, row.dimension]
        beyond = np.ptp(values) / 2 or 1.0
        follows = style.MEASURES.get(row.best_measure, row.best_measure)
        known = row.best_rho == row.best_rho
        made.append(
            FloatSlider(
                min=values.min() - beyond, max=values.max() + beyond, step=beyond / 100, readout_format=".2f",
                description=f"{row.dimension}: {follows} {row.best_rho:+.2f}" if known else f"{row.dimension}",
                style=_label(200), layout=Layout(width="100%"),
            )
        )  # fmt: skip
    return made


def _colours(space):
    known = space.measures.columns[space.measures.notna().any()]
    return [("class", "label"), *((style.MEASURES.get(name, name), name) for name in known)]


def _picture(side):
    return HTML(), Image(format="png", width=side, height=side, layout=Layout(width=f"{side}px", height=f"{side}px"))


def _set(shown, title, picture):
    text, image = shown
    text.value, image.value = f"<small>{html.escape(title)}</small>", explore.png(picture)
    text.layout.visibility = image.layout.visibility = "visible"


def _width(pixels):
    return Layout(width=f"{pixels}px")


def _label(pixels):
    return {"description_width": f"{pixels}px"}
