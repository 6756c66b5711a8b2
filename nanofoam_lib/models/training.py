"""Train a model, epoch by epoch, with a history that can be read back."""

import dataclasses
import itertools
import math
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap, provenance
from nanofoam_lib.base.errors import RunWarning, TrainingError
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import splits
from nanofoam_lib.models import (
    backend,
    bottleneck,
    checkpoints,
    descriptors,
    device_epochs,
    devices,
    epoch_loop,
    kinds,
    mixed_precision,
    objective,
    vae,
)
from nanofoam_lib.models.backend import keras

#: Steps so far; then the loss in nats, per image, total = reconstruction + beta * kl, on the train and test images.
HISTORY_COLUMNS = ("epoch", "step", "total", "reconstruction", "kl", "test_total", "test_reconstruction", "test_kl")

HELD_OUT = 0.15  # of the train side, where patience is to decide by it
CLIP_NORM = 1e4  # of the gradient of a loss that sums over 16384 pixels: cuts the rare outlier only


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Parameters
    ----------
    epochs : int
        Passes over the train images.
    steps : int, optional
        Steps of the optimiser, rounded up to whole epochs; goes before `epochs`. What counts for a model that is
        trained on few images is how often it is corrected, not how often it has seen each.
    batch_size : int
        Images in a step; an epoch ends with its last full batch.
    learning_rate : float
        Of Adam.
    patience : int, optional
        Stop when so many epochs have not lowered the loss on the held-out rows, and take the model as it was before
        them.
    precision : {"float32", "bfloat16", "auto"}
        Precision of the training steps, see `mixed_precision.choose`. The model itself stays one of float32.
    symmetries : sequence of int
        Elements of `splits.dihedral` that augmentation draws from, as `splits.symmetries` gives them.
    """

    epochs: int = 10
    steps: int | None = None
    batch_size: int = 16
    learning_rate: float = 1e-3
    patience: int | None = None
    precision: str = "float32"
    symmetries: tuple[int, ...] = tuple(range(8))

    def steps_per_epoch(self, n_images: int) -> int:
        """Count the full batches of `n_images`; fewer images than a batch are one."""
        return max(1, n_images // self.batch_size)

    @property
    def held_out_fraction(self) -> float:
        """Share of the train side to keep from training (`splits.hold_out`): some where patience needs it."""
        return 0.0 if self.patience is None else HELD_OUT

    def n_epochs(self, n_images: int, step_cost: float = 1.0) -> int:
        """Count the epochs of a training on `n_images`, of a kind whose steps take `step_cost` times as long."""
        if self.steps is None:
            return self.epochs
        return math.ceil(self.steps / step_cost / self.steps_per_epoch(n_images))


def fit(
    model: vae.Autoencoder,
    images: NDArray[np.uint8],
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    recipe: Recipe,
    seed: int = 0,
    folder: StrPath | None = None,
    wide: NDArray[np.uint8] | None = None,
    held_out_rows: ArrayLike | None = None,
) -> pd.DataFrame:
    """Train with Adam on shifted, flipped and turned images, and watch the loss on held-out ones.

    Parameters
    ----------
    model : vae.Autoencoder
        As `vae.build` makes it; changed in place. Its bottleneck is started first, if its kind has a way to
        (`bottleneck.start`).
    images : ndarray of uint8, shape (N, 128, 128)
        May be memory-mapped.
    train_rows, test_rows : array-like of int
        Rows of `images`. The test rows are only watched: nothing is chosen by them.
    recipe : Recipe
    seed : int
        Order, augmentation and noise of epoch e follow from (seed, e) alone.
    folder : path-like, optional
        Where to write the model as it ends (`vae.save`), and ``history.csv`` after every epoch.
    wide : ndarray of uint8, shape (N, 128 + 2 m, 128 + 2 m), optional
        The images with a margin, from which training cuts its windows: shifted by up to m pixels. Without it, nothing
        is shifted.
    held_out_rows : array-like of int, optional
        Rows kept from training, of groups that are not trained on, by which the recipe's patience decides.

    Returns
    -------
    pandas.DataFrame
        One row per epoch, columns `HISTORY_COLUMNS`, and ``held_out_total`` where rows are held out.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite, or at the end of its epoch (`run_epoch`).

    Notes
    -----
    A training that was killed goes on from its last checkpoint in `folder` when it is called again with the same
    arguments, and ends with the same weights, bit for bit. One that had ended is read back. What decides whether it is
    the same: the weights at the start, the images, the recipe and the code; its length may change before the end.
    On a GPU the bits are the same as far as its operations repeat themselves, which XLA and TensorFlow promise only
    when asked to (``XLA_FLAGS=--xla_gpu_exclude_nondeterministic_ops=true``, ``TF_DETERMINISTIC_OPS=1``).

    Where the device is a GPU, JAX and TensorFlow make an epoch one call (`device_epochs.hold`).
    """
    train_rows, test_rows = np.asarray(train_rows), np.asarray(test_rows)
    held_out_rows = np.asarray([] if held_out_rows is None else held_out_rows, int)
    source = images if wide is None else wide
    compile_autoencoder(model, recipe.learning_rate)
    precision = mixed_precision.choose(recipe.precision)

    held = device_epochs.hold(model, images)
    held_source = held if wide is None else device_epochs.hold(model, wide)

    def begin():
        start(model, source, train_rows, recipe, seed)

    def one_epoch(epoch):
        with mixed_precision.computing(model, precision):
            train = run_epoch(model, held_source, train_rows, recipe, (seed, epoch))
        test = evaluate(model, held, test_rows, recipe.batch_size, seed)
        row = {"epoch": epoch, "step": epoch * recipe.steps_per_epoch(len(train_rows)), **train}
        row |= {f"test_{name}": value for name, value in test.items()}
        if len(held_out_rows):
            row["held_out_total"] = evaluate(model, held, held_out_rows, recipe.batch_size, seed)["total"]
        return row

    data = itertools.chain(_blocks(source, train_rows), _blocks(images, test_rows, held_out_rows))
    training = epoch_loop.Training(
        model,
        one_epoch,
        recipe.n_epochs(len(train_rows), kinds.get(model.config.kind).step_cost),
        _identify(model, data, recipe, seed, precision),
        vae.save,
        vae.load,
        begin,
        "held_out_total" if len(held_out_rows) else None,
        recipe.patience,
    )
    return epoch_loop.run(training, folder)


def fit_classifier(
    model: keras.Model,
    images: NDArray[np.uint8],
    classes: ArrayLike,
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    recipe: Recipe,
    seed: int = 0,
    folder: StrPath | None = None,
    wide: NDArray[np.uint8] | None = None,
) -> pd.DataFrame:
    """Train a supervised classifier like `fit` trains an autoencoder: same augmentation, same optimiser.

    Parameters
    ----------
    model : keras.Model
        As `vae.classifier` makes it; changed in place.
    images : ndarray of uint8, shape (N, 128, 128)
    classes : ndarray of int, shape (N,)
        Number of each image's class.
    train_rows, test_rows, recipe, seed, wide
        See `fit`.
    folder : path-like, optional
        Where to write the model as it ends (`vae.save_classifier`), and ``history.csv``. A killed training goes on as
        one of `fit` does.

    Returns
    -------
    pandas.DataFrame
        One row per epoch, columns epoch, loss (cross-entropy in nats), accuracy, test_loss, test_accuracy.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite.
    """
    train_rows, test_rows, classes = (np.asarray(values) for values in (train_rows, test_rows, classes))
    source = images if wide is None else wide
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    _compile(model, recipe.learning_rate, loss=loss, metrics=["accuracy"])
    devices.prepare(model, descriptors.to_input(images[:1]), classes[:1])
    precision = mixed_precision.choose(recipe.precision)

    def one_epoch(epoch):
        train, test = [], []
        with mixed_precision.computing(model, precision):
            for rows, batch in _batches(source, train_rows, recipe, (seed, epoch)):
                logs = model.train_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
                train.append((len(batch), logs))
                _check_finite(model, train[-1][1]["loss"], epoch)
        for rows, batch in _plain_batches(images, test_rows, recipe.batch_size):
            logs = model.test_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
            test.append((len(batch), logs))
        sides = (("", train), ("test_", test))
        return {"epoch": epoch} | {side + name: _mean(logs, name) for side, logs in sides for name in logs[0][1]}

    rows = (classes[train_rows], classes[test_rows])
    data = itertools.chain(_blocks(source, train_rows), _blocks(images, test_rows), rows)
    training = epoch_loop.Training(
        model, one_epoch, recipe.n_epochs(len(train_rows)), _identify(model, data, recipe, seed, precision),
        vae.save_classifier, vae.load_classifier,
    )  # fmt: skip
    return epoch_loop.run(training, folder)


def compile_autoencoder(model: vae.Autoencoder, learning_rate: float) -> None:
    """Prepare a `vae.Autoencoder` for `run_epoch` and `evaluate`."""
    _compile(model, learning_rate)
    devices.prepare(model, np.zeros((1, vae.SIZE, vae.SIZE, 1), np.float32))


def start(model: vae.Autoencoder, images: NDArray[np.uint8], rows: NDArray[np.int_], recipe: Recipe, seed: int) -> None:
    """Start the bottleneck of a model whose layers allow it, on augmented train images."""
    if kinds.get(model.config.kind).starts_from_pca:
        rng = np.random.default_rng((seed, 0))
        drawn = rng.permutation(np.resize(rng.permutation(rows), bottleneck.n_samples(model.config.latent_dim)))
        bottleneck.start(model, _augmented(images, drawn, recipe, rng), seed)


def run_epoch(
    model: vae.Autoencoder,
    images: NDArray[np.uint8] | device_epochs.Held,
    rows: NDArray[np.int_],
    recipe: Recipe,
    key: tuple[int, int],
) -> dict[str, float]:
    """Train a compiled `vae.Autoencoder` on each of the rows once, but for those that fill no batch.

    Parameters
    ----------
    model : vae.Autoencoder
    images : ndarray of uint8, shape (N, S, S), or device_epochs.Held
        S is at least 128; windows of 128 are cut out. Where they are held by the device, all steps are one call.
    rows : ndarray of int
    recipe : Recipe
    key : (int, int)
        Seed and epoch: order, augmentation and noise follow from them alone.

    Returns
    -------
    dict of float
        As `evaluate` gives it.

    Raises
    ------
    TrainingError
        As soon as the loss of a batch is not finite; at the end of the epoch where all steps are one call.
    """
    _seed_noise(model, key)
    if isinstance(images, device_epochs.Held):
        steps = images.train(*_drawn(images, rows, recipe, key))
    else:
        batches = (batch for _, batch in _batches(images, rows, recipe, key))
        steps = ((len(own), model.train_on_batch(devices.shared(own), return_dict=True)) for own in batches)
    logs = []
    for size, own in steps:
        logs.append((size, own))
        _check_finite(model, own["loss"], key[1])
    return _average(model, logs)


def evaluate(
    model: vae.Autoencoder,
    images: NDArray[np.uint8] | device_epochs.Held,
    rows: NDArray[np.int_],
    batch_size: int = 16,
    seed: int = 0,
) -> dict[str, float]:
    """Compute the loss of a compiled model on images as they are, without augmentation.

    Returns
    -------
    dict of float
        ``total``, ``reconstruction`` and ``kl`` in nats per image; the noise of z follows from `seed` alone.
    """
    _seed_noise(model, (seed, 0))
    if isinstance(images, device_epochs.Held):
        return _average(model, list(images.test(rows, batch_size)))
    batches = _plain_batches(images, rows, batch_size)
    logs = [(len(batch), model.test_on_batch(devices.shared(batch), return_dict=True)) for _, batch in batches]
    return _average(model, logs)


def summarise(
    histories: Mapping[str, pd.DataFrame],
    encoded: Mapping[str, Mapping[str, NDArray[np.float32]]],
    verdicts: pd.DataFrame,
    precision: str = "float32",
) -> pd.DataFrame:
    """Sum up trained models, one row each; warn (`RunWarning`) of one without skill or without an active dimension.

    Parameters
    ----------
    histories : dict
        Name of the model → history, as `fit` returns it.
    encoded : dict
        Name of the model → its descriptors of the train images.
    verdicts : pandas.DataFrame
        Of the same models, as `skill.table` gives it.
    precision : str
        What `fit` was told.

    Returns
    -------
    pandas.DataFrame
        Columns model, kind, latent_dim, steps, epochs, those of `verdicts`, active (latent dimensions,
        `objective.usage`; missing for a plain autoencoder), precision (that of the training steps), then the losses
        after the last epoch.
    """
    rows = []
    for name, history in histories.items():
        own, last = encoded[name], history.iloc[-1]
        active = int(objective.usage(own["mu"], own["sigma"])["active"].sum()) if "mu" in own else None
        warn_if_collapsed(name, active)
        warn_if_without_skill(name, verdicts.loc[name])
        kind, _, size = name.rpartition("-")
        row = {"model": name, "kind": kind, "latent_dim": int(size), "steps": int(last["step"]), "epochs": len(history)}
        row |= {**verdicts.loc[name], "active": active, "precision": mixed_precision.choose(precision)}
        rows.append(row | last.drop(["epoch", "step"]).to_dict())
    return pd.DataFrame(rows).astype({"active": "Int64", "has_skill": bool})


def warn_if_collapsed(name: str, active: int | None) -> None:
    """Warn (`RunWarning`) if the model called `name` has no active latent dimension."""
    if active == 0:
        warnings.warn(
            f"{name} has collapsed: no latent dimension is active; lower beta or train longer", RunWarning, stacklevel=2
        )


def warn_if_without_skill(name: str, verdict: pd.Series) -> None:
    """Warn (`RunWarning`) if the model called `name` has learnt nothing that it can draw."""
    if not verdict["has_skill"]:
        warnings.warn(
            f"{name} has no skill (test images: {verdict['skill_test']:.2f}, a flat grey {verdict['skill_flat']:.2f}): "
            "what is drawn from it illustrates noise; train with more steps",
            RunWarning,
            stacklevel=2,
        )


def _compile(model, learning_rate, **options):
    model.compile(backend.adam(learning_rate, CLIP_NORM), jit_compile=backend.jit_compile(), **options)
    with backend.scope():
        model.optimizer.build(model.trainable_variables)  # made while the first step is traced, they cost another trace


def _identify(model, data, recipe, seed, precision):
    """Name a training by what decides its result but for its length: weights at the start, data, recipe, code."""
    code = provenance.hash_modules("from nanofoam_lib.models import training", without=("base",))
    config = dataclasses.asdict(model.config) if isinstance(model, vae.Autoencoder) else None
    arrays = itertools.chain(model.get_weights(), data)
    how = {name: value for name, value in dataclasses.asdict(recipe).items() if name not in ("epochs", "steps")}
    return checkpoints.identify(arrays, config, how, seed, precision, code, keras.__version__, keras.backend.backend())


def _blocks(images, *parts):
    """Yield the rows that each part lists, in blocks that fit into memory."""
    for rows in parts:
        yield rows
        yield from (memmap.take(images, rows[start : start + 1024]) for start in range(0, len(rows), 1024))


def _check_finite(model, loss, epoch):
    if not math.isfinite(loss):
        raise TrainingError(
            f"training of {model.name} diverged in epoch {epoch} (loss {loss}); "
            f"lower learning_rate (now {float(model.optimizer.learning_rate):g}) or look for odd images"
        )


def _batches(images, rows, recipe, key):
    """Yield rows and augmented images in random order, full batches only; all follows from `key` alone."""
    rng = np.random.default_rng(key)
    for own in _shuffled(rows, recipe, rng):
        yield own, _augmented(images, own, recipe, rng)


def _drawn(images, rows, recipe, key):
    """Draw what `_batches` draws, without an image: rows, corners and elements of each batch, (steps, n, …)."""
    rng = np.random.default_rng(key)
    margin = images.shape[1] - vae.SIZE
    drawn = [(own, *splits.draw(len(own), margin, rng, recipe.symmetries)) for own in _shuffled(rows, recipe, rng)]
    return [np.stack(own) for own in zip(*drawn, strict=True)]


def _shuffled(rows, recipe, rng):
    """List the rows of each batch, in random order."""
    order = rng.permutation(rows)
    n = recipe.batch_size
    return [order[number * n : (number + 1) * n] for number in range(recipe.steps_per_epoch(len(rows)))]


def _augmented(images, rows, recipe, rng):
    windows = splits.augment(memmap.take(images, rows), rng, vae.SIZE, recipe.symmetries)
    return descriptors.to_input(windows)


def _plain_batches(images, rows, batch_size):
    """Yield rows and images as they are, in order."""
    for start in range(0, len(rows), batch_size):
        own = rows[start : start + batch_size]
        yield own, descriptors.to_input(memmap.take(images, own))


def _seed_noise(model, key):
    """Restart the noise of z from `key`, so that an epoch does not depend on the ones before."""
    state = np.random.SeedSequence(key).generate_state(2)
    model.noise.state.assign(keras.ops.convert_to_tensor(state, dtype=model.noise.state.dtype))


def _average(model, logs):
    """Average the losses of batches, given as (size, losses), over images: Keras starts its means anew each batch.

    The total is put together from its parts: Keras's own mean of it counts the unequal shares of two devices alike.
    """
    reconstruction = _mean(logs, "reconstruction")
    kl = _mean(logs, "kl") if model.config.is_variational else math.nan
    total = objective.total(reconstruction, kl if model.config.is_variational else None, model.config.beta)
    return {"total": total, "reconstruction": reconstruction, "kl": kl}


def _mean(logs, name):
    return float(np.average([own[name] for _, own in logs], weights=[size for size, _ in logs]))
