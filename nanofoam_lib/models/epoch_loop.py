"""The loop over epochs, which goes on where it was killed."""

import functools
import pathlib

import pandas as pd

from nanofoam_lib.base import files
from nanofoam_lib.base.progress import track
from nanofoam_lib.models import checkpoints
from nanofoam_lib.models.backend import keras


def run(model, one_epoch, epochs, folder, identity, watched, save, load):
    """Run the epochs that are missing, and leave the model, its best copy and the history in the folder.

    Parameters
    ----------
    model : keras.Model
        Compiled; changed in place.
    one_epoch : callable
        Trains the model; takes the number of the epoch, from 1, and gives its row of the history. What it does must
        follow from that number and the state of model and optimiser alone.
    epochs : int
        How many there are to be in the end.
    folder : path-like or None
        None keeps nothing.
    identity : str
        As `checkpoints.identify` gives it: what the training is, whatever `epochs`.
    watched : str
        The column of the history whose least value marks the best epoch.
    save, load : callable
        ``save(model, folder)`` and ``load(folder)``.

    Returns
    -------
    pandas.DataFrame
        One row per epoch.
    """
    if folder is None:
        return pd.DataFrame([one_epoch(epoch) for epoch in track(range(1, epochs + 1), f"training {model.name}")])
    folder = pathlib.Path(folder)
    finished = checkpoints.identify((), identity, epochs)
    checkpoint = checkpoints.Checkpoint(folder, identity)
    if checkpoints.is_finished(folder, finished):
        checkpoint.remove()
        checkpoints.keep(folder)
        model.set_weights(load(folder).get_weights())
        return pd.read_csv(folder / "history.csv")
    history, best = _restore(model, checkpoint.read(), epochs)
    for epoch in track(range(len(history) + 1, epochs + 1), lambda: _status(model, history, watched)):
        history.append(one_epoch(epoch))
        files.write_csv(folder / "history.csv", pd.DataFrame(history))
        if best is None or history[-1][watched] == min(row[watched] for row in history):
            best = model.get_weights()
        checkpoint.offer(functools.partial(_state, model, history, best))
    save(model, folder)
    _save_with(model, best, folder / "best", save)
    checkpoints.mark_finished(folder, finished)
    checkpoint.remove()
    return pd.DataFrame(history)


def _state(model, history, best):
    optimizer = [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
    return checkpoints.State(history, model.get_weights(), optimizer, best)


def _restore(model, state, epochs):
    """Bring model and optimiser to a state, unless there is none or it is past the goal; give history and best."""
    if state is None or len(state.history) > epochs:
        return [], None
    model.set_weights(state.weights)
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)
    return list(state.history), state.best


def _status(model, history, watched):
    loss = f", loss {history[-1][watched]:.4g} on test" if history else ""
    return f"training {model.name}{loss}"


def _save_with(model, weights, folder, save):
    """Save the model as it was with other `weights`, and give it its own back."""
    kept = model.get_weights()
    model.set_weights(weights)
    save(model, folder)
    model.set_weights(kept)
