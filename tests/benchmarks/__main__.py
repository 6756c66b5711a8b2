"""Time nanofoam beside what a user would do otherwise: a table, and the same as CSV.

``uv run python tests/benchmarks [PART ...] [--csv FILE]``; without parts all but the long ones (``thesis``, ``scale``,
``chain``, ``cluster``) and ``gpu``, which wants one (``KERAS_BACKEND=jax``).
Both ways of a row do the same work in one process, in turn; a ratio is the median over the rounds, with the least and
the most. Run it on an idle machine. PyTorch is compared where it is installed (``pip install torch==2.13.0``).
"""

import argparse
import dataclasses
import os
import pathlib
import platform
import sys

import accelerator
import chain
import cluster
import distances
import gradcam_maps
import limits
import pandas as pd
import preprocessing_step
import scale
import training_step

PARTS = {
    "training": training_step.quick,
    "thesis": training_step.thesis,
    "preprocessing": preprocessing_step.rows,
    "maps": gradcam_maps.rows,
    "distances": distances.rows,
    "limits": limits.rows,
    "scale": scale.rows,
    "chain": chain.rows,
    "cluster": cluster.rows,
    "gpu": accelerator.rows,
    "gpu-tiny": accelerator.tiny,
}
LONG = {"thesis", "scale", "chain", "cluster", "gpu", "gpu-tiny"}
#: Of vectors and matrices, the fastest first: training depends on which of them a processor has.
INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")


def describe_machine():
    """Name processor, its fastest instructions, cores and versions in one line."""
    from importlib.metadata import version

    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(line.replace("\t", "").split(": ", 1) for line in lines if ": " in line)
    model, flags = fields.get("model name", platform.machine()), fields.get("flags", "").split()
    model += "".join(f" ({name})" for name in [name for name in INSTRUCTIONS if name in flags][:1])
    libraries = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy"))
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, {libraries}"


def show(row):
    """Print one row as soon as it is known."""
    beside = f"{row.against} {row.other:.4g}" if row.against else ""
    ratio = f"{row.ratio:.2f} ({row.least:.2f} to {row.most:.2f})" if row.against else ""
    verdict = {None: "", True: "met", False: "missed"}[row.is_met()]
    print(f"{row.part:13} {row.what:44} {row.ours:9.4g} {row.unit:9} {beside:34} {ratio:24} {row.target:7} {verdict}",
          flush=True)  # fmt: skip


def main():
    """Run the parts, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--csv", type=pathlib.Path, help="write the table there; keeps rows of other parts and machines"
    )
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        sys.exit(f"unknown part {', '.join(sorted(unknown))}; give some of {', '.join(PARTS)}")
    print(describe_machine())
    rows = []
    for name in options.parts or [part for part in PARTS if part not in LONG]:
        for row in PARTS[name]():
            show(row)
            rows.append(dataclasses.asdict(row) | {"met": row.is_met(), "machine": describe_machine()})
    if options.csv and rows:
        table = pd.DataFrame(rows)
        if options.csv.exists():
            earlier = pd.read_csv(options.csv)
            again = earlier["part"].isin(table["part"]) & earlier["machine"].eq(describe_machine())
            table = pd.concat([earlier[~again], table])
        table.to_csv(options.csv, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
