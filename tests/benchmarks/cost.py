"""Draw what the parts of a study cost against how many images there are, from the rows of ``scale``.

``uv run python tests/benchmarks/cost.py [reports/benchmarks.csv [reports/cost.png]]``
"""

import pathlib
import re
import sys

import pandas as pd
from matplotlib.figure import Figure

from nanofoam_lib.figures import style

REPORTS = pathlib.Path(__file__).parents[2] / "reports"
NAMED = re.compile(r"(?P<part>.+), (?P<images>[\d,]+) images(?P<peak>, peak)?")


def read(path):
    """List what was measured: a table of part, images, seconds and peak in MiB, a row per part and number of images."""
    rows = pd.read_csv(path).query("part == 'scale'")
    named = rows["what"].str.extract(NAMED)
    named = named.assign(images=named["images"].str.replace(",", "").astype(int), value=rows["ours"])
    named["quantity"] = named["peak"].map({", peak": "peak"}).fillna("seconds")
    return named.pivot(index=["part", "images"], columns="quantity", values="value").reset_index()


def draw(table, machine):
    """Draw seconds (a logarithmic axis) and memory against images."""
    figure = Figure(figsize=(6.3, 3.0), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for number, (part, own) in enumerate(table.groupby("part")):
        how = {"color": style.COLOURS[number], "marker": style.MARKERS[number], "label": part}
        time.plot(own["images"], own["seconds"], **how)
        memory.plot(own["images"], own["peak"], **how)
    for axis, label in ((time, "seconds, two cores"), (memory, "largest process, MiB")):
        axis.set(xscale="log", xlabel="images", ylabel=label)
    time.set(yscale="log", ylim=(None, 3e6))
    time.legend(fontsize=7, frameon=False, ncols=2, loc="upper left")
    memory.axhline(2048, color="0.5", linestyle=":")
    memory.text(1000, 2020, "2 GiB, the limit", fontsize=7, va="top")
    memory.set_ylim(0, 2200)
    figure.supxlabel(machine, fontsize=6, color="0.35")
    return figure


def main(source=REPORTS / "benchmarks.csv", target=REPORTS / "cost.png"):
    """Read, draw, write."""
    machines = pd.read_csv(source).query("part == 'scale'")["machine"].unique()
    draw(read(source), "\n".join(machines)).savefig(target, dpi=150)


if __name__ == "__main__":
    main(*sys.argv[1:])
