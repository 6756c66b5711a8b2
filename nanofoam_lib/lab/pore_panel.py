"""Controls of a `pore_trial.Trial` in JupyterLab: method, threshold and smallest pore, with outlines that follow."""

import html
import io

from ipywidgets import (
    HTML,
    BoundedFloatText,
    BoundedIntText,
    Button,
    Dropdown,
    FloatSlider,
    HBox,
    Image,
    Layout,
    Tab,
    VBox,
    Widget,
)

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.base.language import text
from nanofoam_lib.base.messages import message
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import pore_choices
from nanofoam_lib.lab import explore, hearing, pore_trial

SCOPES = {
    "Use for this picture": pore_choices.PICTURES,
    "Use for its class": pore_choices.CLASSES,
    "Use for all": pore_choices.ALL,
}
_SIDE = 500  # of the overlay, and of the controls beside it, on screen, in pixels


def show(micrographs: Run | StrPath, lang: str = "en") -> Widget:
    """Show the pores of a run's micrographs, or of a data folder, with controls.

    Parameters
    ----------
    micrographs : base.run_folder.Run or path-like
        A run, or a data folder, of which there need be no run.
    lang : {"en", "es"}
        Language of what is told.

    Returns
    -------
    ipywidgets.Widget
        One line, if they cannot be read.
    """
    try:
        if isinstance(micrographs, Run):
            return Panel(pore_trial.of_run(micrographs), lang).widget
        return Panel(pore_trial.of_folder(micrographs), lang).widget
    except DataError as error:
        return HTML(html.escape(message(str(error), lang)))


def tabs(latent: Widget, pores: Widget, lang: str = "en") -> Tab:
    """Put the two halves of the explorer behind tabs."""
    return Tab(children=[latent, pores], titles=[text(name, lang) for name in ("Latent space", "Pores")])


class Panel(hearing.Hearing):
    """The controls of a `pore_trial.Trial`: each finds the pores anew, or keeps how they were found.

    Attributes
    ----------
    widget : ipywidgets.Widget
        All of it.
    """

    def __init__(self, trial: pore_trial.Trial, lang: str = "en") -> None:
        self.trial, self.lang = trial, lang
        last, low_high = len(trial.known) - 1, pore_choices.LIMITS["level"]
        paths = [(path, i) for i, path in enumerate(trial.known["path"])]
        wide, fitting = Layout(width=f"{_SIDE}px"), Layout(width="auto", flex="1 1 auto")
        named = {"description_width": "90px"}
        self.number = BoundedIntText(max=last, description=text("Picture", lang), layout=wide, style=named)
        self.picture = Dropdown(options=paths, description=text("File", lang), layout=wide, style=named)
        self.method = Dropdown(options=pore_choices.METHODS, description=text("Method", lang), layout=wide, style=named)
        self.level = FloatSlider(
            min=low_high[0], max=low_high[1], step=0.01, description=text("Threshold", lang), continuous_update=False,
            layout=wide, style=named,
        )  # fmt: skip
        unit = "µm" if trial.um == trial.um else "px"
        self.smallest = BoundedFloatText(
            max=pore_choices.LIMITS["smallest_um"][1], step=0.5, layout=wide, style=named,
            description=text("Smallest, {unit}", lang).format(unit=unit),
        )  # fmt: skip
        self.overlay = Image(format="png", layout=Layout(width=f"{_SIDE}px", object_fit="contain"))
        self.histogram = Image(format="png", layout=wide)
        self.said, self.status = HTML(layout=wide), HTML(layout=wide)
        self.keep = [Button(description=text(name, lang), icon="check", layout=fitting) for name in SCOPES]
        controls = [self.number, self.picture, self.method, self.level, self.smallest, HBox(self.keep, layout=wide)]
        controls += [self.status, self.said, self.histogram]
        self.widget = HBox([self.overlay, VBox(controls)], layout=Layout(grid_gap="20px", flex_flow="row wrap"))
        self.widget.add_class("nanofoam-pores")
        self._listen()
        self._show()

    def _listen(self):
        for control in (self.number, self.picture):
            control.observe(lambda change: self._try(lambda: self.trial.look(change["new"])), "value")
        for control, name in ((self.method, "method"), (self.level, "level"), (self.smallest, "smallest_um")):
            control.observe(
                lambda change, name=name: self._try(lambda: self.trial.ask(**{name: change["new"]})), "value"
            )
        for button, scope in zip(self.keep, SCOPES.values(), strict=True):
            button.on_click(lambda _, scope=scope: self._keep(scope))

    def _try(self, act):
        """Do what a control asks for, or say why that cannot be, and show what holds now."""
        if not self.heard:
            return
        self.status.value = ""
        try:
            act()
        except (DataError, OSError) as error:
            self._tell(message(str(error), self.lang))
        self._show()

    def _keep(self, scope):
        try:
            kept = text("Written into {path}; nanofoam run and nanofoam pores obey it", self.lang)
            self._tell(kept.format(path=self.trial.use_for(scope)))
        except (DataError, OSError) as error:
            self._tell(message(str(error), self.lang))

    def _tell(self, words):
        self.status.value = f"<small>{html.escape(words)}</small>"

    def _show(self):
        """Set the controls to what is asked for now, and show what is found."""
        trial = self.trial
        with self.unheard():
            self.number.value = self.picture.value = trial.number
            self.method.value, self.level.value = trial.request.method, trial.request.level
            self.smallest.value = trial.request.smallest_um
        self.overlay.value = explore.png(trial.overlay())
        self.histogram.value = _png(trial.histogram(self.lang))
        self.said.value = html.escape(trial.summary(self.lang))


def _png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
