"""How a model is trained: the recipe, and the batches that follow from it and a key alone."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.images import augmentation
from nanofoam_lib.models import descriptors, vae

LENGTH = ("epochs", "steps", "critic_steps")  # what of a recipe says how long, not how
CRITIC_BATCH = 4  # images: what counts is how often decoder and critic are corrected
EPOCHS, EPOCH_STEPS = 20, 50  # that a budget of steps is dealt to, about; and the most steps of several passes
HELD_OUT = 0.15  # of the train side, where patience is to decide by it


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Parameters
    ----------
    epochs : int
        Passes over the train images.
    steps : int, optional
        Steps of the optimiser, rounded to whole epochs; goes before `epochs`. What counts for a model that is
        trained on few images is how often it is corrected, not how often it has seen each.
    batch_size : int
        Images in a step; an epoch ends with its last full batch.
    learning_rate : float
        Of Adam.
    patience : int, optional
        Stop when so many epochs have not lowered the loss on the held-out rows, and take the model as it was before
        them.
    critic_steps : int
        Further steps against a critic, of a kind whose decoder learns from one, rounded to whole epochs. Of a budget of
        steps it takes a share alone then (`texture.ALONE`).
    precision : {"float32", "bfloat16", "auto"}
        Precision of the training steps, see `mixed_precision.choose`. The model itself stays one of float32.
    symmetries : sequence of int
        Elements of `augmentation.dihedral` that augmentation draws from, as `augmentation.symmetries` gives them.
    """

    epochs: int = 10
    steps: int | None = None
    batch_size: int = 16
    learning_rate: float = 1e-3
    patience: int | None = None
    critic_steps: int = 0
    precision: str = "float32"
    symmetries: tuple[int, ...] = tuple(range(8))

    def passes(self, n_images: int) -> int:
        """Count how often an epoch sees each image: once, but where a budget of steps would make many short epochs.

        A model is watched and its checkpoint written after every epoch, which takes longer than a few steps.
        """
        batches = max(1, n_images // self.batch_size)
        return 1 if self.steps is None else max(1, min(self.steps // EPOCHS, EPOCH_STEPS) // batches)

    def steps_per_epoch(self, n_images: int) -> int:
        """Count the full batches of `n_images`, of each pass; fewer images than a batch are one."""
        return self.passes(n_images) * max(1, n_images // self.batch_size)

    @property
    def held_out_fraction(self) -> float:
        """Share of the train side to keep from training (`splits.hold_out`): some where patience needs it."""
        return 0.0 if self.patience is None else HELD_OUT

    def n_epochs(self, n_images: int, step_cost: float = 1.0) -> int:
        """Count the epochs of a training on `n_images`, of a kind whose steps take `step_cost` times as long."""
        if self.steps is None:
            return self.epochs
        return max(1, round(self.steps / step_cost / self.steps_per_epoch(n_images)))


def against_critic(recipe: Recipe) -> Recipe:
    """Give the recipe of the stage against a critic: small batches, as many steps as asked for."""
    size = min(CRITIC_BATCH, recipe.batch_size)
    return dataclasses.replace(recipe, steps=recipe.critic_steps, batch_size=size)


def batches(
    images: NDArray[np.uint8], rows: NDArray[np.int_], recipe: Recipe, key: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int_], NDArray[np.float32]]]:
    """Yield rows and augmented images in random order, full batches only; all follows from `key` alone."""
    rng = np.random.default_rng(key)
    for own in _shuffled(rows, recipe, rng):
        yield own, augmented(images, own, recipe, rng)


def drawn(images: Any, rows: NDArray[np.int_], recipe: Recipe, key: tuple[int, int]) -> list[NDArray[np.int_]]:
    """Draw what `batches` draws, without an image: rows, corners and elements of each batch, (steps, n, …)."""
    rng = np.random.default_rng(key)
    margin = images.shape[1] - vae.SIZE
    each = ((own, *augmentation.draw(len(own), margin, rng, recipe.symmetries)) for own in _shuffled(rows, recipe, rng))
    return [np.stack(own) for own in zip(*each, strict=True)]


def _shuffled(rows, recipe, rng):
    """List the rows of each batch, in random order."""
    n, passes = recipe.batch_size, recipe.passes(len(rows))
    starts = range(0, n * recipe.steps_per_epoch(len(rows)) // passes, n)
    orders = (rng.permutation(rows) for _ in range(passes))
    return [order[start : start + n] for order in orders for start in starts]


def augmented(
    images: NDArray[np.uint8], rows: NDArray[np.int_], recipe: Recipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut a window out of each of some images, flip and turn it: a batch as the network takes it."""
    windows = augmentation.augment(memmap.take(images, rows), rng, vae.SIZE, recipe.symmetries)
    return descriptors.to_input(windows)


def plain_batches(
    images: NDArray[np.uint8], rows: NDArray[np.int_], batch_size: int
) -> Iterator[tuple[NDArray[np.int_], NDArray[np.float32]]]:
    """Yield rows and images as they are, in order; at most `batch_size` at a time, all alike if their number allows.

    A batch of another size, if only the last, is another function to trace.
    """
    even = (size for size in range(batch_size, batch_size // 2, -1) if len(rows) % size == 0)
    size = next(even, batch_size)
    for start in range(0, len(rows), size):
        own = rows[start : start + size]
        yield own, descriptors.to_input(memmap.take(images, own))
