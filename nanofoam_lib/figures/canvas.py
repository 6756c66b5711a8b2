"""A sheet measured in cm for figures that are drawn rather than plotted: boxes, arrows, words and pictures."""

import matplotlib.pyplot as plt
from matplotlib import patches

from nanofoam_lib.figures.style import HIGHEST_CM, page_width, wrapped

INK = "0.25"
SMALL = 6  # font size of details
LINE_CM = 0.28  # height of a line of them


def canvas(height, note=""):
    """Make a sheet of the page's width and `height` in cm above the note: (figure, axes), the axes' unit is 1 cm."""
    width, lines = page_width(), wrapped(note).count("\n") + 1 if note else 0
    below = LINE_CM * lines + 0.15
    figure = plt.figure(figsize=(width / 2.54, min(height + below, HIGHEST_CM) / 2.54))
    plt.close(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(-below, height))
    axes.set_axis_off()
    if note:
        axes.text(width / 2, -below + 0.1, wrapped(note), ha="center", va="bottom", fontsize=SMALL, color="0.35")
    return figure, axes


def words(axes, x, y, content, size=SMALL, ha="center", va="center_baseline", weight="normal", colour="black"):
    """Write `content` at (x, y) cm."""
    return axes.text(x, y, content, fontsize=size, ha=ha, va=va, fontweight=weight, color=colour, linespacing=1.25)


def box(axes, x, y, width, height, colour="0.97", edge="0.75"):
    """Draw a box with round corners whose lower left corner is at (x, y)."""
    style = "round,pad=0,rounding_size=0.12"
    return axes.add_patch(
        patches.FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor=colour, edgecolor=edge, linewidth=0.6)
    )


def arrow(axes, start, end, colour=INK, dashed=False):
    """Draw a straight arrow from `start` to `end`, each (x, y)."""
    line = {"color": colour, "linewidth": 0.9, "linestyle": (0, (3, 2)) if dashed else "-", "capstyle": "butt"}
    shape = {"arrowstyle": "-|>", "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0, "joinstyle": "miter"}
    return axes.add_patch(patches.FancyArrowPatch(start, end, **shape, **line))


def elbow(axes, points, colour=INK):
    """Draw a line through `points`, a sequence of (x, y), that ends in an arrow."""
    axes.plot(
        *zip(*points[:-1], strict=True), color=colour, linewidth=0.9, solid_capstyle="butt", solid_joinstyle="miter"
    )
    return arrow(axes, points[-2], points[-1], colour)


def picture(axes, image, x, y, width, height, cmap="gray", limits=(None, None)):
    """Show an image with its lower left corner at (x, y), framed by a thin line."""
    shown = axes.imshow(
        image, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=(x, x + width, y, y + height), aspect="auto",
        interpolation="nearest", zorder=2,
    )  # fmt: skip
    axes.add_patch(patches.Rectangle((x, y), width, height, fill=False, edgecolor=INK, linewidth=0.5, zorder=3))
    return shown
