"""Features of networks that timm knows (ResNeSt, DINOv2, …) and torch computes: the extra ``backbones``."""

import difflib
import importlib
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanofoam_lib.base import memmap
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.models import descriptors

#: Files of weights: safetensors hold numbers alone, and of the others nothing but numbers is read.
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
BATCH_SIZE = 16


def deep_features(
    name: str, images: memmap.Rows, weights: pathlib.Path | None = None, seed: int | None = None
) -> NDArray[np.float32]:
    """Describe images by what a network of timm gives to its classifier, on the CPU.

    Parameters
    ----------
    name : str
        As timm has it, such as "resnest50d" or "vit_small_patch14_dinov2.lvd142m".
    images : ndarray, shape (N, 128, 128)
        uint8, or float in [0, 1]. They are resized to what the network was trained on, and grey goes into all three
        channels, less their means and over their standard deviations in its training.
    weights : pathlib.Path, optional
        A file of `SUFFIXES` that holds all of its weights, with its classifier if it has one. Without it, timm
        downloads the weights at the first use and keeps them in its own folder.
    seed : int, optional
        Of random weights; with it, nothing is read or downloaded.

    Returns
    -------
    ndarray of float32, shape (N, F)

    Raises
    ------
    UsageError
        If timm is not installed or knows no such network.
    DataError
        If the weights cannot be had.
    ValueError
        If the images are not as described.
    """
    model = build(name, weights, seed)
    torch, data = importlib.import_module("torch"), importlib.import_module("timm.data")
    config = data.resolve_model_data_config(model)
    mean, std = (torch.tensor(config[key], dtype=torch.float32)[:, None, None] for key in ("mean", "std"))
    found = [np.empty((0, model.num_features), np.float32)]
    with torch.inference_mode():
        for _, batch in descriptors.batches(images, BATCH_SIZE):
            grey = torch.from_numpy(batch).permute(0, 3, 1, 2)
            grey = torch.nn.functional.interpolate(grey, config["input_size"][1:], mode="bicubic", antialias=True)
            found.append(model((grey.clamp(0, 1) - mean) / std).numpy())  # one channel becomes three
    return np.concatenate(found[1:] or found)


def build(name: str, weights: pathlib.Path | None = None, seed: int | None = None) -> Any:
    """Make the network of `deep_features`, a ``torch.nn.Module`` without its classifier."""
    try:
        timm, torch = importlib.import_module("timm"), importlib.import_module("torch")
    except ImportError as error:
        raise UsageError(f"backbone timm:{name} needs the extra backbones: uv sync --extra backbones") from error
    if not timm.is_model(name):
        near = " or ".join(difflib.get_close_matches(name, timm.list_models(), 3))
        raise UsageError(f"backbone timm:{name} is not known to timm" + f"; is it {near}?" * bool(near))
    source = None if weights is None else {"file": str(weights)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed or 0)
        try:
            model = timm.create_model(name, pretrained=seed is None, pretrained_cfg_overlay=source)
        except Exception as error:  # which kind depends on where the download, or the file, stops making sense
            raise DataError(_told(name, weights, error)) from error
    model.reset_classifier(0)
    return model.train(False)


def _told(name, weights, error):
    why = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0].rstrip(":")
    if weights is not None:
        return f"{weights}: does not hold the weights of timm:{name} ({why})"
    advice = f"give a weights file, as in timm:{name}=FILE.safetensors"
    return f"timm:{name}: its weights cannot be downloaded ({why}); {advice}"
