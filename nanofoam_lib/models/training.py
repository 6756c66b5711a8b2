"""Train a model from its first epoch to its last, stage by stage, with a history that can be read back."""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nanofoam_lib.base import memmap, provenance
from nanofoam_lib.base.files import StrPath
from nanofoam_lib.images import augmentation, splits
from nanofoam_lib.models import (
    bottleneck,
    checkpoints,
    descriptors,
    device_epochs,
    devices,
    epoch_loop,
    kinds,
    mixed_precision,
    recipes,
    texture,
    vae,
)
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.epochs import (
    WATCHED,
    check_finite,
    compile_autoencoder,
    compile_duel,
    compile_with,
    evaluate,
    mean,
    run_epoch,
)
from nanofoam_lib.models.recipes import Recipe

#: Steps so far; then the loss in nats, per image, total = reconstruction + beta * kl, on the train and test images.
HISTORY_COLUMNS = ("epoch", "step", "total", "reconstruction", "kl", "test_total", "test_reconstruction", "test_kl")

CLASSIFIER_COST = 2.0  # as a kind's `step_cost`: told the labels, the same layers learn them in half the steps
MEASURED = 512  # train images by which the spread of z is known well enough


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
        As `vae.build` makes it; changed in place. It is started first, if its kind has a way to (`kinds.Network`).
    images : ndarray of uint8, shape (N, 128, 128)
        May be memory-mapped.
    train_rows, test_rows : array-like of int
        Rows of `images`. The test rows are only watched, 64 of them (`WATCHED`): nothing is chosen by them.
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
        One row per epoch, columns `HISTORY_COLUMNS`, ``held_out_total`` where rows are held out, and ``critic``, its
        loss, where there was one (`critic.judge`; missing in the epochs before).

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
    prepared = prepare(model, images, train_rows, test_rows, recipe, seed, wide, held_out_rows)
    return epoch_loop.run(prepared, folder)


def prepare(
    model: keras.Model,
    images: NDArray[np.uint8],
    train_rows: ArrayLike,
    test_rows: ArrayLike,
    recipe: Recipe,
    seed: int = 0,
    wide: NDArray[np.uint8] | None = None,
    held_out_rows: ArrayLike | None = None,
    classes: ArrayLike | None = None,
) -> epoch_loop.Training:
    """Give the training that `fit` runs, or, of a model as `vae.classifier` makes it, `fit_classifier`."""
    wide = images if wide is None else wide
    if not isinstance(model, vae.Autoencoder):
        return _classifying(model, images, wide, classes, train_rows, test_rows, recipe, seed)
    rows = _Rows(*(np.asarray([] if own is None else own, int) for own in (train_rows, test_rows, held_out_rows)))
    fitting = _Fitting(model, images, wide, rows, recipe, seed)
    data = itertools.chain(_blocks(wide, rows.train), _blocks(images, rows.test, rows.held_out))
    stages = fitting.stages()
    identity = _identify(model, data, recipe, seed, fitting.precision, [stage.epochs for stage in stages[:-1]])
    return epoch_loop.Training(model, stages, identity, vae.save, vae.load)


class _Rows(NamedTuple):
    train: NDArray[np.int_]
    test: NDArray[np.int_]
    held_out: NDArray[np.int_]


class _Held(NamedTuple):
    model: vae.Autoencoder
    recipe: Recipe
    images: NDArray[np.uint8] | device_epochs.Held
    wide: NDArray[np.uint8] | device_epochs.Held


class _Fitting:
    """What `fit` was given, and the stages that follow from it."""

    def __init__(self, model, images, wide, rows, recipe, seed):
        self.model, self.images, self.wide, self.rows = model, images, wide, rows
        self.recipe, self.seed = recipe, seed
        self.precision = mixed_precision.choose(recipe.precision)

    def stages(self):
        kind, n_train = kinds.get(self.model.config.kind), len(self.rows.train)
        watched = "held_out_total" if len(self.rows.held_out) else None
        n_epochs = recipes.against_critic(self.recipe).n_epochs(n_train) if self.recipe.critic_steps else 0
        has_critic = kind.faces_critic and n_epochs > 0
        cost = kind.step_cost / (texture.ALONE if has_critic else 1)
        alone = epoch_loop.Stage(
            self.alone, self.one_epoch, self.recipe.n_epochs(n_train, cost), self.start,
            watched=watched, patience=self.recipe.patience,
        )  # fmt: skip
        if not has_critic:
            return [alone]
        duel = epoch_loop.Stage(
            self.against_critic, self.one_epoch, n_epochs, self.measure_z, self.part, failure=texture.failure
        )
        return [alone, duel]

    def alone(self):
        compile_autoencoder(self.model, self.recipe.learning_rate)
        return self.hold(self.model, self.recipe)

    def start(self):
        start(self.model, self.wide, self.rows.train, self.recipe, self.seed)

    def against_critic(self):
        duel = texture.Duel(self.model, self.seed)
        compile_duel(duel)
        return self.hold(duel, recipes.against_critic(self.recipe))

    def measure_z(self):
        some = augmentation.Chosen(self.images, self.rows.train[:MEASURED])
        spread = descriptors.encode(self.model, some, self.seed)["z"].std(axis=0).mean()
        self.held.model.critic.spread.assign(spread if spread > 0 else 1.0)  # a single image has none

    def part(self):
        self.held.model.part()

    def hold(self, model, recipe):
        """Turn to a stage: its model, its recipe, and the images as the device holds them for that model."""
        images = device_epochs.hold(model, self.images)
        wide = images if self.wide is self.images else device_epochs.hold(model, self.wide)
        self.held = _Held(model, recipe, images, wide)
        return model

    def one_epoch(self, epoch, history):
        """Train for an epoch, and give its row of the history."""
        (model, recipe, images, wide), rows = self.held, self.rows
        with mixed_precision.computing(model, self.precision):
            train = run_epoch(model, wide, rows.train, recipe, (self.seed, epoch))
        watched = memmap.evenly(rows.test, WATCHED)
        test = evaluate(model, images, watched, self.recipe.batch_size, self.seed)
        steps = recipe.steps_per_epoch(len(rows.train)) + (history[-1]["step"] if history else 0)
        row = {"epoch": epoch, "step": steps, **train} | {f"test_{name}": value for name, value in test.items()}
        if len(rows.held_out):
            held_out = evaluate(model, images, rows.held_out, self.recipe.batch_size, self.seed)
            row["held_out_total"] = held_out["total"]
        return row


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
        See `fit`; a budget of steps is halved (`CLASSIFIER_COST`).
    folder : path-like, optional
        Where to write the model as it ends (`vae.save_classifier`), and ``history.csv``. A killed training goes on as
        one of `fit` does.

    Returns
    -------
    pandas.DataFrame
        One row per epoch, columns epoch, loss (cross-entropy in nats), accuracy, test_loss, test_accuracy.

    Raises
    ------
    DataError
        If there is one class (`splits.check_several`).
    TrainingError
        As soon as the loss of a batch is not finite.
    """
    prepared = prepare(model, images, train_rows, test_rows, recipe, seed, wide, classes=classes)
    return epoch_loop.run(prepared, folder)


def _classifying(model, images, wide, classes, train_rows, test_rows, recipe, seed):
    train_rows, test_rows, classes = (np.asarray(values) for values in (train_rows, test_rows, classes))
    splits.check_several(classes)
    precision = mixed_precision.choose(recipe.precision)

    def compiled():
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        compile_with(model, recipe.learning_rate, loss=loss, metrics=["accuracy"])
        devices.prepare(model, descriptors.to_input(images[:1]), classes[:1])
        return model

    def one_epoch(epoch, history):
        train, test = [], []
        with mixed_precision.computing(model, precision):
            for rows, batch in recipes.batches(wide, train_rows, recipe, (seed, epoch)):
                logs = model.train_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
                train.append((len(batch), logs))
                check_finite(model, train[-1][1]["loss"], epoch)
        for rows, batch in recipes.plain_batches(images, test_rows, recipe.batch_size):
            logs = model.test_on_batch(devices.shared(batch), devices.shared(classes[rows]), return_dict=True)
            test.append((len(batch), logs))
        sides = (("", train), ("test_", test))
        return {"epoch": epoch} | {side + name: mean(logs, name) for side, logs in sides for name in logs[0][1]}

    rows = (classes[train_rows], classes[test_rows])
    data = itertools.chain(_blocks(wide, train_rows), _blocks(images, test_rows), rows)
    stage = epoch_loop.Stage(compiled, one_epoch, recipe.n_epochs(len(train_rows), CLASSIFIER_COST))
    identity = _identify(model, data, recipe, seed, precision)
    return epoch_loop.Training(model, [stage], identity, vae.save_classifier, vae.load_classifier)


def start(model: vae.Autoencoder, images: NDArray[np.uint8], rows: NDArray[np.int_], recipe: Recipe, seed: int) -> None:
    """Start a model as its kind does (`kinds.Network`), on augmented train images."""
    begin = kinds.get(model.config.kind).load().start
    if begin is not None:
        rng = np.random.default_rng((seed, 0))
        drawn = rng.permutation(np.resize(rng.permutation(rows), bottleneck.n_samples(model.config.latent_dim)))
        begin(model, recipes.augmented(images, drawn, recipe, rng), seed)


def _identify(model, data, recipe, seed, precision, before=()):
    """Name a training by what decides its result but for its length: weights at the start, data, recipe, code.

    Epochs `before` its last stage count: what comes after them would be another training.
    """
    code = provenance.hash_modules("from nanofoam_lib.models import training", without=("base",))
    config = dataclasses.asdict(model.config) if isinstance(model, vae.Autoencoder) else None
    arrays = itertools.chain(model.get_weights(), data)
    how = {name: value for name, value in dataclasses.asdict(recipe).items() if name not in recipes.LENGTH}
    software = code, keras.__version__, keras.backend.backend()
    return checkpoints.identify(arrays, config, how, seed, precision, *software, list(before))


def _blocks(images, *parts):
    """Yield the rows that each part lists, in blocks that fit into memory."""
    for rows in parts:
        yield rows
        yield from (memmap.take(images, rows[start : start + 1024]) for start in range(0, len(rows), 1024))
