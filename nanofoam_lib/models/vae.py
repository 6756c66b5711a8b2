"""The thesis's convolutional variational autoencoder, and the plain one it is compared with."""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

from nanofoam_lib.base import files
from nanofoam_lib.models import backend, convolutions, devices, kinds, objective
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.convolutions import SIZE

ops, layers = keras.ops, keras.layers


@dataclasses.dataclass(frozen=True)
class Config:
    """What makes a model: everything but its weights.

    Parameters
    ----------
    kind : str
        One of `kinds.known`: "vae", the variational autoencoder (thesis section 4.1); "ae", the plain one of table 1;
        "texture", the variational one that compares statistics instead of pixels; or one of your own.
    latent_dim : int
        Number of latent dimensions.
    filters : sequence of int
        Encoder filters, first layer first; a 2×2 max-pooling follows every layer but the last.
    decoder_filters : sequence of int
        Decoder filters, one for each pooling to undo.
    beta : float
        Weight of the KL divergence; 1 is the evidence lower bound.

    Raises
    ------
    ValueError
        If a value makes no model.
    """

    kind: str = kinds.MAIN
    latent_dim: int = 128
    filters: Sequence[int] = (32, 32, 64, 64)
    decoder_filters: Sequence[int] = (64, 32, 16)
    beta: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))
        object.__setattr__(self, "decoder_filters", tuple(self.decoder_filters))
        kinds.get(self.kind)
        if self.latent_dim < 1 or min((*self.filters, *self.decoder_filters), default=0) < 1:
            raise ValueError("latent_dim, filters and decoder_filters must be positive")
        if len(self.decoder_filters) != len(self.filters) - 1:
            raise ValueError(
                f"decoder_filters must have {len(self.filters) - 1} entries, one fewer than filters, "
                f"not {len(self.decoder_filters)}"
            )
        if SIZE % 2 ** (len(self.filters) - 1):
            raise ValueError(f"filters must have at most 8 entries, not {len(self.filters)}")
        if not self.beta >= 0:
            raise ValueError(f"beta must not be negative: {self.beta}")

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the encoder's heads; the decoder takes z or, where there is but one head, that."""
        return kinds.get(self.kind).heads

    @property
    def is_variational(self) -> bool:
        """Whether an image becomes a distribution, μ and σ, and not a point."""
        return kinds.get(self.kind).is_variational


class Autoencoder(keras.Model):
    """An encoder, a decoder, and the loss that joins them; made by `build` or `load`.

    The loss is the negative evidence lower bound in nats per image, ``Σ_pixels BCE + β Σ_dimensions KL`` with
    ``KL = ½ (μ² + σ² − 1 − log σ²)`` (thesis eq. 2, 14 and 15; summed over pixels, since their mean would let the KL
    term win and every dimension collapse). A plain autoencoder has no KL term.

    Attributes
    ----------
    config : Config
    encoder : keras.Model
        Images (N, 128, 128, 1) in [0, 1] → [mu, log_var], or conv, each (N, latent_dim). The feature map A of the last
        convolution is the output of the layer ``features``; heads are the Dense layers ``mu`` and ``log_var``, or
        ``conv``.
    decoder : keras.Model
        Latents (N, latent_dim) → images (N, 128, 128, 1) in [0, 1].
    noise : keras.random.SeedGenerator
        Source of ε in ``z = μ + σ ε``, ε ~ N(0, I).
    """

    def __init__(self, config: Config, encoder: keras.Model, decoder: keras.Model, seed: int = 0) -> None:
        super().__init__(name=f"{config.kind}_{config.latent_dim}")
        self.config = config
        self.encoder = encoder
        self.decoder = decoder
        # Cross-entropy from the logits stays exact where the sigmoid saturates
        self.to_logits = keras.Model(decoder.input, decoder.get_layer("logits").output, name="to_logits")
        self.noise = keras.random.SeedGenerator(seed)
        self.reconstruction = keras.metrics.Mean(name="reconstruction")
        self.kl = keras.metrics.Mean(name="kl")

    def call(self, images: Any, training: bool = False) -> dict[str, Any]:
        """Encode, sample, decode: a dict of ``logits``, the ``latents`` they come from, and the encoder's heads."""
        outputs = map(_single, _as_list(self.encoder(images, training=training)))
        heads = dict(zip(self.config.heads, outputs, strict=True))
        latents = self.sample(**heads) if self.config.is_variational else heads[self.config.heads[0]]
        logits = _single(self.to_logits(self.decoder_input(latents), training=training))
        return {"logits": logits, "latents": latents, **heads}

    def decoder_input(self, latents: Any) -> Any:
        """Give what the decoder takes while training."""
        return latents

    def sample(self, mu: Any, log_var: Any) -> Any:
        """Draw ``z = μ + σ ε`` with ε ~ N(0, I), the same shape as `mu`."""
        return mu + objective.sigma(log_var) * keras.random.normal(ops.shape(mu), dtype=mu.dtype, seed=self.noise)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute the loss of the class docstring for images `x` and the output `y_pred` of `call`."""
        n = ops.shape(x)[0]
        reconstruction = ops.mean(self.compare(x, y_pred["logits"]))
        self.reconstruction.update_state(reconstruction, sample_weight=n)
        if not self.config.is_variational:
            return devices.of_one(objective.total(reconstruction))
        kl = ops.mean(ops.sum(objective.kl_divergence(y_pred["mu"], y_pred["log_var"]), axis=-1))
        self.kl.update_state(kl, sample_weight=n)
        return devices.of_one(objective.total(reconstruction, kl, self.config.beta))

    def compare(self, images: Any, logits: Any) -> Any:
        """Give the reconstruction's part of the loss of each image: (N,)."""
        return ops.sum(ops.binary_crossentropy(images, logits, from_logits=True), axis=(1, 2, 3))


def build(config: Config, seed: int = 0) -> Autoencoder:
    """Make a model with fresh weights.

    Parameters
    ----------
    config : Config
    seed : int
        The same seed gives the same weights and the same noise.

    Returns
    -------
    Autoencoder

    Examples
    --------
    >>> model = build(Config(latent_dim=2, filters=(4, 4), decoder_filters=(4,)))
    >>> [tuple(head.shape) for head in model.encoder.outputs]
    [(None, 2), (None, 2)]
    """
    with backend.scope():
        network = kinds.get(config.kind).load()
        parts = network.build_encoder(config, seed), network.build_decoder(config, seed)
        return network.model(config, *map(devices.synchronise, parts), seed)


def classifier(config: Config, n_classes: int, seed: int = 0) -> keras.Model:
    """Make a supervised classifier with the encoder's convolutions: what the same layers can do with labels.

    Parameters
    ----------
    config : Config
        Only `filters` counts.
    n_classes : int
    seed : int
        The same seed gives the same weights; the convolutions start as those of `build`.

    Returns
    -------
    keras.Model
        Images (N, 128, 128, 1) in [0, 1] → scores (N, n_classes), before the softmax. The feature map A of the last
        convolution is the output of the layer ``features``, its spatial mean that of ``pooled``; the scores are the
        Dense layer ``classes`` (thesis section 1.4.1; [1]_).

    References
    ----------
    .. [1] B. Zhou et al., CVPR (2016) 2921, doi:10.1109/CVPR.2016.319 (global average pooling, CAM)
    """
    with backend.scope():
        images, maps = convolutions.build(config.filters, seed)
        pooled = layers.GlobalAveragePooling2D(name="pooled")(maps[-1])
        scores = layers.Dense(n_classes, **next(convolutions.seeded_kernels(seed + 2)), name="classes")(pooled)
        return devices.synchronise(keras.Model(images, scores, name="classifier"))


def save(model: Autoencoder, folder: files.StrPath) -> None:
    """Write ``config.json``, ``encoder.keras`` and ``decoder.keras`` into `folder`, each whole or not at all."""
    folder = pathlib.Path(folder)
    for name in ("encoder", "decoder"):
        _write(getattr(model, name), folder / f"{name}.keras")
    files.write_json(folder / "config.json", dataclasses.asdict(model.config))


def load(folder: files.StrPath) -> Autoencoder:
    """Read the model that `save` wrote.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    Autoencoder

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataError
        If a file is damaged; names it.
    ValueError
        If ``config.json`` holds unknown keys or values.
    """
    folder = pathlib.Path(folder)
    with files.diagnosing(folder / "config.json"):
        values = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    unknown = set(values) - {field.name for field in dataclasses.fields(Config)}
    if unknown:
        raise ValueError(f"{folder / 'config.json'}: unknown keys {', '.join(sorted(unknown))}")
    config = Config(**values)
    with backend.scope():
        model = kinds.get(config.kind).load().model  # with the kind's own layers, which Keras must know to read it
        return model(config, *(_read(folder / f"{name}.keras") for name in ("encoder", "decoder")))


def save_classifier(model: keras.Model, folder: files.StrPath) -> None:
    """Write ``classifier.keras`` into `folder`, whole or not at all; the state of its optimiser is left out."""
    _write(keras.Model(model.input, model.output, name=model.name), pathlib.Path(folder) / "classifier.keras")


def load_classifier(folder: files.StrPath) -> keras.Model:
    """Read the classifier that `save_classifier` wrote."""
    return _read(pathlib.Path(folder) / "classifier.keras")


def _write(model, path):
    with files.replacing(path) as temporary:
        devices.synchronise(model, on=False).save(temporary)
    devices.synchronise(model)


def _read(path):
    with files.diagnosing(path), zipfile.ZipFile(path):  # Keras says of a damaged file that there is none
        return devices.synchronise(keras.saving.load_model(path))


def _single(tensor):
    """Bring what a network gives to float32, in which the loss is computed whatever the layers' precision."""
    return ops.cast(tensor, "float32")


def _as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]
