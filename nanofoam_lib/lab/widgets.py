"""The explorer's controls in JupyterLab: a map to point at, sliders to move by, pictures that follow."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from ipywidgets import (
    HTML,
    BoundedIntText,
    Button,
    Dropdown,
    FloatSlider,
    HBox,
    Image,
    Layout,
    ToggleButtons,
    VBox,
    Widget,
)
from numpy.typing import NDArray

from nanofoam_lib.base import language
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.language import text
from nanofoam_lib.base.messages import message
from nanofoam_lib.explain import inspection
from nanofoam_lib.figures import style
from nanofoam_lib.lab import explore, hearing, scatter

PICTURE, OVERLAY, GAP = 168, 124, 10  # widths on screen, in pixels
CSS = """<style>
.nanofoam { color: var(--jp-ui-font-color1); }
.nanofoam .widget-html-content { line-height: 1.4; }
.nanofoam .nanofoam-map { background: white; padding-right: 8px; }
.nanofoam b { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nanofoam button { flex: none; }
.nanofoam small { color: var(--jp-ui-font-color2); }
.nanofoam table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.nanofoam td, .nanofoam th { padding: 1px 14px 1px 0; text-align: right; font-weight: normal; }
.nanofoam td:first-child { text-align: left; }
.nanofoam th { color: var(--jp-ui-font-color2); }
.nanofoam .nanofoam-mix { display: flex; width: 400px; height: 10px; margin: 6px 0 2px; }
.nanofoam img { border-radius: 2px; }
</style>"""


def show(explorer: explore.Explorer, stem: StrPath) -> Widget:
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
        return HTML(html.escape(message(str(error), explorer.lang)))


class Panel(hearing.Hearing):
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

    def __init__(self, explorer: explore.Explorer, stem: StrPath) -> None:
        self.explorer, self.stem = explorer, stem
        space, lang = explorer.space, explorer.lang
        self.scatter = scatter.build(space, lang)
        self.sliders = _sliders(space, lang)
        self.map = ToggleButtons(options=list(space.maps), style={"button_width": "56px"}, layout=_width(132))
        self.colour = Dropdown(
            options=_colours(space, lang), description=text("Colour", lang), layout=_width(190), style=_label(46)
        )
        last = len(space.images) - 1
        self.image = BoundedIntText(max=last, description=text("Image", lang), layout=_width(140), style=_label(54))
        self.back = Button(description=text("Undo", lang), icon="undo", layout=_width(110))
        self.save = Button(description=text("Save picture", lang), icon="save", layout=_width(150))
        self.heading, self.gauge, self.facts, self.status = (HTML() for _ in range(4))
        self.heading.layout = Layout(flex="1 1 0", min_width="0")  # gives way, so that the buttons do not
        self.pictures = [_picture(PICTURE) for _ in range(3)]
        self.overlays = [_picture(OVERLAY) for _ in range(4)]
        self.widget = self._lay_out()
        self._listen()
        self._show_sight()

    def _lay_out(self):
        """Put the map on the left, what it shows on the right; or below it, where the page is narrow."""
        tools = HBox([self.map, self.colour, self.image])
        plane = VBox([self.scatter.show(["pan_zoom", "lasso", "reset"])])
        plane.add_class("nanofoam-map")
        buttons = HBox([self.heading, self.back, self.save])
        said = text(
            "Latent dimensions to move, with the pore measure that each follows (Spearman's ρ)", self.explorer.lang
        )
        hint = HTML(f"<small>{html.escape(said)}</small>")
        left = VBox([tools, plane, self.facts], layout=_width(scatter.SIDE + scatter.AXES))
        right = VBox(
            [buttons, _row(self.pictures), self.gauge, hint, *self.sliders, _row(self.overlays), self.status],
            layout=_width(3 * PICTURE + 2 * GAP),
        )
        whole = VBox([HTML(CSS), HBox([left, right], layout=Layout(grid_gap="24px", flex_flow="row wrap"))])
        whole.add_class("nanofoam")
        return whole

    def _listen(self):
        self.map.observe(lambda change: self._turn(change["new"]), "value")
        self.colour.observe(lambda change: self._colour(change["new"]), "value")
        self.image.observe(lambda change: self._select([change["new"]]), "value")
        self.scatter.widget.observe(lambda change: self._select(change["new"]), "selection")
        self.back.on_click(lambda _: self._undo())
        self.save.on_click(lambda _: self._save())
        for slider in self.sliders:
            slider.observe(lambda _: self._walk(), "value")

    def _select(self, rows):
        if self.heard and len(rows):
            self.explorer.select(rows)
            self._show_sight()

    def _undo(self):
        self.explorer.undo()
        self._show_sight()

    def _walk(self):
        if self.heard:
            start = self.explorer.sight.start[self.explorer.space.dimensions["dimension"]]
            asked = np.array([slider.value for slider in self.sliders])
            # The browser rounds a slider to its steps: what is but rounded has not been moved
            rounding = [0.51 * slider.step for slider in self.sliders]
            for still in (self._moved(), start):
                asked = np.where(np.abs(asked - still) <= rounding, still, asked)
            self.explorer.walk(asked)
            self._show_step()

    def _turn(self, name):
        self.explorer.map = name
        scatter.turn(self.scatter, self.explorer.space, name)
        self._mark()

    def _colour(self, name):
        self.explorer.colour = name
        scatter.colour(self.scatter, self.explorer.space, name, self.explorer.lang)

    def _save(self):
        lang = self.explorer.lang
        self.status.value = f"<small>{text('Saving …', lang)}</small>"
        try:
            path = self.explorer.save(self.stem)
            said = text("Saved {path} as .pdf, .png and .csv", lang).format(path=path)
        except OSError as error:
            said = text("Not saved: {reason}", lang).format(reason=message(str(error), lang))
        self.status.value = f"<small>{html.escape(said)}</small>"

    def _show_sight(self):
        """Show what is looked at, and set the controls to it."""
        sight, space, lang = self.explorer.sight, self.explorer.space, self.explorer.lang
        with self.unheard():
            self.scatter.selection(sight.rows)
            if self.explorer.maps:
                self.image.value = sight.rows[0]
            for slider, value in zip(self.sliders, self._moved(), strict=True):
                slider.value = value
        self.heading.value = f"<b>{html.escape(explore.describe(space, sight.rows, lang))}</b>"
        for own, (name, picture) in zip(self.pictures, self.explorer.pictures().items(), strict=True):
            _set(own, text(name, lang), picture)
        for own in self.overlays[len(self.explorer.maps) :]:
            own[0].layout.visibility = own[1].layout.visibility = "hidden"
        for own, (dimension, picture) in zip(self.overlays, self.explorer.overlays().items(), strict=False):
            _set(own, f"Grad-CAM, dim. {dimension}", picture)
        self.facts.value = facts(space, sight.rows, lang) + mix(space, sight.rows)
        self._show_step()

    def _show_step(self):
        """Show the moved point: its picture, its gauge, its place on the map."""
        step = self.explorer.step
        _set(self.pictures[2], text("moved", self.explorer.lang), step.picture)
        self.gauge.value = gauge(self.explorer.space, step, self.explorer.lang)
        self._mark()

    def _moved(self):
        """Give where the dimensions of the sliders are."""
        return self.explorer.step.vector[self.explorer.space.dimensions["dimension"]]

    def _mark(self):
        self.scatter.annotations(scatter.mark(self.explorer))


def gauge(space: inspection.Space, step: inspection.Step, lang: str = "en") -> str:
    """Say in HTML how far off real images a `inspection.Step` is, behind a dot in green or vermilion."""
    dot = style.COLOURS[4] if step.extrapolation else style.COLOURS[2]
    return f'<span style="color: {dot}">●</span> {html.escape(explore.gauge_text(space, step, lang))}'


def facts(space: inspection.Space, rows: Sequence[int] | NDArray[Any], lang: str = "en") -> str:
    """Tell the pore measures of `rows` beside those of all images in HTML; names are escaped."""
    measures = "".join(
        f"<tr><td>{html.escape(text(row.Index, lang))}</td><td>{language.number(row.shown, lang)}</td>"
        f"<td>{language.number(row.all, lang)}</td></tr>"
        for row in inspection.compare(space, rows).itertuples()
    )
    who = text("this image" if len(rows) == 1 else "mean of the region", lang)
    return f"<table><tr><td></td><th>{who}</th><th>{text('mean of all', lang)}</th></tr>{measures}</table>"


def mix(space: inspection.Space, rows: Sequence[int] | NDArray[Any]) -> str:
    """Tell what classes a region holds in HTML, as one bar; names are escaped. Empty for an image."""
    if len(rows) == 1:
        return ""
    shares, colours = inspection.class_mix(space, rows), style.class_colours(space.index["label"])
    bar = "".join(
        f'<i style="width: {share:.2%}; background: {colours[label]}"></i>' for label, share in shares.items()
    )
    words = " ".join(
        f'<span style="color: {colours[label]}">●</span> {html.escape(label)} {share:.0%}'
        for label, share in shares.items()
    )
    return f'<div class="nanofoam-mix">{bar}</div>{words}'


def _sliders(space, lang):
    """Make a slider for each of the strongest dimensions; it goes half the range of real images beyond them."""
    made = []
    for row in space.dimensions.itertuples():
        values = space.mu[:, row.dimension]
        beyond = np.ptp(values) / 2 or 1.0
        known = row.best_rho == row.best_rho  # not where the dimension is constant
        sign = "+" if row.best_rho > 0 else ""
        follows = f"{language.quantity(row.best_measure, lang)}, ρ {sign}{language.fixed(row.best_rho, lang)}"
        told = f"{row.dimension}: {follows}" if known else str(row.dimension)
        made.append(
            FloatSlider(
                min=values.min() - beyond, max=values.max() + beyond, step=beyond / 100, readout_format=".2f",
                description=told, style=_label(210), layout=Layout(width="100%"),
            )
        )  # fmt: skip
    return made


def _colours(space, lang):
    known = space.measures.columns[space.measures.notna().any()]
    return [(text("class", lang), "label"), *((text(name, lang), name) for name in known)]


def _picture(side):
    return HTML(), Image(format="png", width=side, height=side, layout=Layout(width=f"{side}px", height=f"{side}px"))


def _row(pictures):
    return HBox([VBox([title, image]) for title, image in pictures], layout=Layout(grid_gap=f"{GAP}px"))


def _set(shown, title, picture):
    heading, image = shown
    heading.value, image.value = f"<small>{html.escape(title)}</small>", explore.png(picture)
    heading.layout.visibility = image.layout.visibility = "visible"


def _width(pixels):
    return Layout(width=f"{pixels}px", flex="none")


def _label(pixels):
    return {"description_width": f"{pixels}px"}
