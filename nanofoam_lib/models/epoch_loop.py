"""The loop over epochs, which goes on where it was killed."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.base.progress import track
from nanofoam_lib.models import checkpoints
from nanofoam_lib.models.backend import keras

SHOWN = ("test_total", "test_loss")  # the column of the history that the bar shows


@dataclasses.dataclass(frozen=True)
class Training:
    """A training that can go on where it was killed.

    Parameters
    ----------
    model : keras.Model
        Compiled; changed in place.
    one_epoch : callable
        Trains the model; takes the number of the epoch, from 1, and gives its row of the history. What it does must
        follow from that number and the state of model and optimiser alone.
    epochs : int
        How many there are to be in the end.
    identity : str
        As `checkpoints.identify` gives it: what the training is, whatever `epochs`.
    save, load : callable
        ``save(model, folder)`` and ``load(folder)``.
    begin : callable
        Called once before the first epoch.
    watched : str, optional
        Column of the history that `patience` is about.
    patience : int, optional
        Epochs without a new least value of `watched` after which it ends, with the weights of the least; None: never.
    """

    model: keras.Model
    one_epoch: Callable
    epochs: int
    identity: str
    save: Callable
    load: Callable
    begin: Callable = lambda: None
    watched: str | None = None
    patience: int | None = None

    @property
    def is_watched(self):
        """Whether it may end early."""
        return self.watched is not None and self.patience is not None

    def has_new_best(self, history):
        """Tell whether the last epoch is the best so far, where that counts."""
        return self.is_watched and history[-1][self.watched] == min(row[self.watched] for row in history)

    def gives_up(self, history):
        """Tell whether patience has run out."""
        if not (self.is_watched and history):
            return False
        values = [row[self.watched] for row in history]
        return len(values) - 1 - values.index(min(values)) >= self.patience


def run(training, folder=None):
    """Run the epochs that are missing, and leave the model and the history in the folder.

    Parameters
    ----------
    training : Training
    folder : path-like, optional
        None keeps nothing.

    Returns
    -------
    pandas.DataFrame
        One row per epoch.
    """
    model = training.model
    if folder is None:
        return _finish(training, *_train(training, [], [], lambda history, best: None))
    folder = pathlib.Path(folder)
    finished = checkpoints.identify((), training.identity, training.epochs)
    checkpoint = checkpoints.Checkpoint(folder, training.identity)
    if checkpoints.is_finished(folder, finished):
        checkpoint.remove()
        checkpoints.keep(folder)
        model.set_weights(training.load(folder).get_weights())
        return pd.read_csv(folder / "history.csv")

    def keep(history, best):
        files.write_csv(folder / "history.csv", pd.DataFrame(history))
        checkpoint.offer(functools.partial(_state, model, history, best))

    history = _finish(training, *_train(training, *_restore(training, checkpoint.read()), keep))
    training.save(model, folder)
    checkpoints.mark_finished(folder, finished)
    checkpoint.remove()
    return history


def _train(training, history, best, keep):
    """Train to the end; give the history and the best weights, [] where none are watched."""
    if not history:
        training.begin()
    bar = track(range(len(history) + 1, training.epochs + 1), lambda: _status(training.model, history))
    for epoch in bar:
        if training.gives_up(history):
            break
        history.append(training.one_epoch(epoch))
        if training.has_new_best(history):
            best = training.model.get_weights()
        keep(history, best)
    return history, best


def _finish(training, history, best):
    if best:
        training.model.set_weights(best)
    return pd.DataFrame(history)


def _state(model, history, best):
    optimizer = [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
    return checkpoints.State(history, model.get_weights(), optimizer, best)


def _restore(training, state):
    """Bring model and optimiser to a state, unless there is none or it is past the goal; give history and best."""
    if state is None or len(state.history) > training.epochs:
        return [], []
    model = training.model
    model.set_weights(state.weights)
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)
    return list(state.history), state.best


def _status(model, history):
    loss = next((value for name, value in history[-1].items() if name in SHOWN), None) if history else None
    return f"training {model.name}" + ("" if loss is None else f", loss {loss:.4g} on test")
