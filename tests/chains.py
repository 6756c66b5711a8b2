"""A chain of tiny notebooks with the habits of the real ones, for tests of what runs them."""

import pathlib
import subprocess
import sys

import nbformat

STEPS = {
    "01_preprocess": """
import numpy as np
from nanofoam_lib import files
images = np.random.default_rng(seed).integers(256, size=(12, 128, 128), dtype=np.uint8)
with files.replacing(f"{run_folder}/data/images.npy") as path:
    np.save(path, images)
sides = ["train", "test"]
rows = "".join(f"{i},{i}.png,{'ab'[i % 2]},{i},{sides[i < 6]},9,9,,,0\\n" for i in range(len(images)))
files.write_text(f"{run_folder}/data/index.csv", "id,path,label,group,split,width,height,um_x,um_y,sha256\\n" + rows)
""",
    # As long as it lies there, the checkpoint says where to go on; its weights tell how often each epoch ran
    "02_train": """
import pathlib, time
import numpy as np
from nanofoam_lib import files
images, model = np.load(f"{run_folder}/data/images.npy"), pathlib.Path(run_folder) / "models" / "vae-2"
checkpoint = model / "checkpoint.npz"
state = files.read_npz(checkpoint) if checkpoint.exists() else {"epoch": np.array(0), "weights": np.zeros(epochs)}
for epoch in range(int(state["epoch"]), epochs):
    state["weights"][epoch] += images[epoch % len(images)].mean()
    files.write_npz(checkpoint, epoch=epoch + 1, weights=state["weights"])
    time.sleep(0.02)
files.write_npz(model / "encoder.npz", weights=state["weights"])
checkpoint.unlink()
""",
    "03_latent_space": """
import numpy as np
from nanofoam_lib import files
weights = files.read_npz(f"{run_folder}/models/vae-2/encoder.npz")["weights"]
images = np.load(f"{run_folder}/data/images.npy")
files.write_npz(f"{run_folder}/descriptors/vae-2.npz", mu=images.reshape(12, -1)[:, :epochs] * weights)
files.write_text(f"{run_folder}/tables/weights.csv", "weight\\n" + "".join(f"{w!r}\\n" for w in weights.tolist()))
""",
    "06_figures": """
import pathlib
from nanofoam_lib import files
text = pathlib.Path(f"{run_folder}/tables/weights.csv").read_text()
files.write_text(f"{run_folder}/figures/training.csv", text)
""",
}
PARAMETERS = {
    "01_preprocess": 'run_folder = ""\ntest_fraction = 0.5\nseed = 0\n',
    "02_train": 'run_folder = ""\nepochs = 15\nseed = 0\n',
    "03_latent_space": 'run_folder = ""\nepochs = 15\n',
    "06_figures": 'run_folder = ""\nlang = "en"\n',
}
#: Everything that must not depend on how often a run was interrupted.
RESULTS = ("tables/*.csv", "figures/*.csv", "descriptors/*.npz", "data/*.npy", "data/*.csv", "data/drawings/*")

RUN = (
    "import pathlib, sys; from nanofoam_lib import __main__; from nanofoam_lib.runs import pipeline; "
    "pipeline.NOTEBOOKS = pathlib.Path(sys.argv[1]); sys.exit(__main__.main(sys.argv[2:]))"
)
NOTEBOOKS = pathlib.Path(__file__).parents[1] / "notebooks"


def write_notebook(path, *cells):
    """Write a notebook of code cells, the first tagged as its parameters."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def write_chain(folder, **replaced):
    """Write the notebooks of the tiny chain, some with other code, and give their folder."""
    folder.mkdir()
    for name, code in (STEPS | replaced).items():
        write_notebook(folder / f"{name}.ipynb", PARAMETERS[name], code)
    return folder


def start(notebooks, out, *arguments, **options):
    """Start ``nanofoam run`` on a chain of notebooks, in a process of its own."""
    command = [sys.executable, "-c", RUN, str(notebooks), "run", "--profile", "demo", "--out", str(out), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(notebooks, out, *arguments, **options):
    """Run a chain to its end: (exit status, stdout, stderr)."""
    process = start(notebooks, out, *arguments, **options)
    stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr


def results(folder):
    """Give the contents of a run's results by name."""
    paths = [path for pattern in RESULTS for path in pathlib.Path(folder).glob(pattern)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
