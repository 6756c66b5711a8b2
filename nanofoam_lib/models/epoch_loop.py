"""The loop over epochs, which goes on where it was killed."""

import dataclasses
import functools
import pathlib
import warnings
from collections.abc import Callable, Sequence

import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.base.progress import track
from nanofoam_lib.models import checkpoints
from nanofoam_lib.models.backend import keras

SHOWN = ("test_total", "test_loss")  # the column of the history that the bar shows


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a training, with a loss and an optimiser of its own.

    Parameters
    ----------
    prepare : callable
        Gives the model that is trained, compiled: the training's own or one that holds it. Called before the first
        epoch, or where a killed training goes on.
    one_epoch : callable
        Trains that model; takes the number of the epoch within the whole training, from 1, and the history so far, and
        gives its row. What it does must follow from these and the state of model and optimiser alone.
    epochs : int
        How many there are to be in the end.
    begin, finish : callable
        Called before the first epoch and after the last, once each.
    watched : str, optional
        Column of the history that `patience` is about.
    patience : int, optional
        Epochs without a new least value of `watched` after which it ends, with the weights of the least; None: never.
    failure : callable, optional
        Tells from the rows of its history what has gone wrong, or gives "": the model then stays what it was when the
        stage began, with a warning.
    """

    prepare: Callable
    one_epoch: Callable
    epochs: int
    begin: Callable = lambda: None
    finish: Callable = lambda: None
    watched: str | None = None
    patience: int | None = None
    failure: Callable | None = None

    @property
    def is_watched(self):
        """Whether it may end early."""
        return self.watched is not None and self.patience is not None

    @property
    def goes_back(self):
        """Whether it may end with other weights than those of its last epoch."""
        return self.is_watched or self.failure is not None

    def problem(self, rows):
        """Tell what has gone wrong, "" if nothing."""
        return self.failure(rows) if self.failure and rows else ""

    def has_new_best(self, rows):
        """Tell whether the last epoch is the best so far, where that counts."""
        return self.is_watched and rows[-1][self.watched] == min(row[self.watched] for row in rows)

    def gives_up(self, rows):
        """Tell whether patience has run out."""
        if not (self.is_watched and rows):
            return False
        values = [row[self.watched] for row in rows]
        return len(values) - 1 - values.index(min(values)) >= self.patience


@dataclasses.dataclass(frozen=True)
class Training:
    """A training that can go on where it was killed.

    Parameters
    ----------
    model : keras.Model
        Changed in place.
    stages : sequence of Stage
        One after another.
    identity : str
        As `checkpoints.identify` gives it: what the training is, whatever the epochs of its last stage.
    save, load : callable
        ``save(model, folder)`` and ``load(folder)``.
    """

    model: keras.Model
    stages: Sequence[Stage]
    identity: str
    save: Callable
    load: Callable


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

    Warns
    -----
    RunWarning
        If a stage has failed.
    """
    model = training.model
    fresh = checkpoints.State([], [], [], [], [])
    if folder is None:
        return _train(training, fresh, lambda *state: None)
    folder = pathlib.Path(folder)
    checkpoint = checkpoints.Checkpoint(folder, training.identity)
    if has_ended(training, folder):
        checkpoint.remove()
        checkpoints.keep(folder)
        model.set_weights(training.load(folder).get_weights())
        return files.read_csv(folder / "history.csv")

    def keep(*state):
        files.write_csv(folder / "history.csv", pd.DataFrame(state[1]))
        checkpoint.offer(functools.partial(_state, *state))

    state = checkpoint.read()
    history = _train(training, fresh if state is None or _is_past(training, state) else state, keep)
    files.write_csv(folder / "history.csv", history)
    training.save(model, folder)
    checkpoints.mark_finished(folder, _whole(training))
    checkpoint.remove()
    return history


def has_ended(training, folder):
    """Tell whether `run` would only read back what is in a folder."""
    return checkpoints.is_finished(pathlib.Path(folder), _whole(training))


def _whole(training):
    """Name the training together with its length."""
    return checkpoints.identify((), training.identity, [stage.epochs for stage in training.stages])


def _train(training, state, keep):
    """Train to the end from a state, `keep` what each epoch leaves, and give the history."""
    history, starts, best = list(state.history), list(state.starts), state.best
    for number, stage in list(enumerate(training.stages))[max(len(starts) - 1, 0) :]:
        model = stage.prepare()
        if number < len(starts):  # it had begun
            _restore(model, state)
        else:
            stage.begin()
            starts, best = [*starts, len(history)], model.get_weights() if stage.goes_back else []
        for epoch in _bar(training, stage, history, starts):
            rows = history[starts[-1] :]
            if stage.gives_up(rows) or stage.problem(rows):
                break
            history.append(stage.one_epoch(epoch, history))
            if stage.has_new_best(history[starts[-1] :]):
                best = model.get_weights()
            keep(model, history, starts, best)
        stage.finish()
        problem = stage.problem(history[starts[-1] :])
        if problem:
            warnings.warn(f"{model.name}: {problem}", RunWarning, stacklevel=2)
        if problem or stage.is_watched:
            model.set_weights(best)
    return pd.DataFrame(history)


def _bar(training, stage, history, starts):
    """Show the epochs of a stage that are missing, by their numbers within the whole training."""
    numbers = range(len(history) + 1, starts[-1] + stage.epochs + 1)
    later = training.stages[len(starts) :]
    total = starts[-1] + stage.epochs + sum(own.epochs for own in later)
    return track(numbers, lambda: _status(training.model, history), total, done=len(history))


def _is_past(training, state):
    """Whether a state is farther on than the training is to go."""
    return len(state.history) - state.starts[-1] > training.stages[len(state.starts) - 1].epochs


def _state(model, history, starts, best):
    optimizer = [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
    return checkpoints.State(history, starts, model.get_weights(), optimizer, best)


def _restore(model, state):
    """Bring a compiled model and its optimiser to a state."""
    model.set_weights(state.weights)
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)


def _status(model, history):
    loss = next((value for name, value in history[-1].items() if name in SHOWN), None) if history else None
    return f"training {model.name}" + ("" if loss is None else f", loss {loss:.4g} on test") + ", epoch"
