"""How training went."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, ScalarFormatter

from nanofoam_lib.base.language import text
from nanofoam_lib.figures.style import OTHER_COLOURS, columns_for, grid, letter, styled


@styled
def training(history: pd.DataFrame, note: str = "", lang: str = "en") -> Figure:
    """Draw the loss of each model, epoch by epoch, on train and test images.

    Parameters
    ----------
    history : pandas.DataFrame
        Columns `model`, `epoch`, `reconstruction`, `kl`, `test_reconstruction`, `test_kl`.
    note, lang
        See `micrographs`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = columns_for(2, 6)
    figure, axes = grid(2 // columns, columns, cell_aspect=0.7 if columns > 1 else 0.95, note=note)
    letter(axes.flat)
    models = list(dict.fromkeys(history["model"]))
    panels = (("reconstruction", "reconstruction (nats per image)"), ("kl", "KL divergence (nats per image)"))
    for axis, (column, label) in zip(axes.flat, panels, strict=True):
        for colour, model in zip(OTHER_COLOURS, models, strict=False):
            rows = history[history["model"] == model]
            if column == "kl" and not rows[column].notna().any():
                continue
            for prefix, line in (("", "-"), ("test_", "--")):
                name = f"{model}, {text('test' if prefix else 'train', lang)}"
                axis.plot(rows["epoch"], rows[prefix + column], line, color=colour, label=name)
        axis.set(xlabel=text("epoch", lang), ylabel=text(label, lang))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_yscale("log")  # kinds differ, and a KL divergence falls before it rises, by orders of magnitude
        axis.yaxis.set_major_formatter(ScalarFormatter())
        axis.yaxis.set_minor_formatter(LogFormatter())
    handles = axes.flat[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=columns_for(len(models), 5.2))
    return figure
