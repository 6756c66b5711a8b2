"""The thesis's convolutional variational autoencoder, and the plain one it is compared with."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from nanofoam_lib.base import files, json_text, safe_names
from nanofoam_lib.base.errors import DataError, UsageError
from nanofoam_lib.models import backend, convolutions, devices, kinds, objective, stored_weights
from nanofoam_lib.models.backend import keras
from nanofoam_lib.models.convolutions import SIZE

ops, layers = keras.ops, keras.layers

#: Largest values of a model, as the parameters of a run have them.
MOST_DIMS, MOST_FILTERS, MOST_CLASSES = 16_384, 4096, 10_000


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
        if self.latent_dim > MOST_DIMS or max((*self.filters, *self.decoder_filters)) > MOST_FILTERS:
            raise ValueError(f"latent_dim must be at most {MOST_DIMS:,}, filters and decoder_filters {MOST_FILTERS:,}")
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
        """Give the reconstruction's part of the loss of each image, the binary cross-entropy in nats: (N,)."""
        # In two terms, and not the four that Keras takes: sums of more gradients differ from training to training
        return ops.sum(ops.softplus(logits) - images * logits, axis=(1, 2, 3))


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
        If a file is damaged, or ``config.json`` holds unknown keys or values that make no model; names it.

    Notes
    -----
    The networks are built as ``config.json`` says; from the other files come weights alone (`stored_weights`).
    """
    folder = pathlib.Path(folder)
    config = _read_config(folder / "config.json")
    with backend.scope():
        network = kinds.get(config.kind).load()
        least = network.least_weights(config) if network.least_weights else (0, 0)
        builders = network.build_encoder, network.build_decoder
        parts = [
            devices.synchronise(stored_weights.load(folder / f"{name}.keras", functools.partial(build, config, 0), n))
            for name, build, n in zip(("encoder", "decoder"), builders, least, strict=True)
        ]
        return network.model(config, *parts)


def _read_config(path):
    unknown = set(json_text.read(path, dict[str, Any])) - {field.name for field in dataclasses.fields(Config)}
    if unknown:
        raise DataError(f"{path}: unknown keys {safe_names.short(', '.join(sorted(unknown)))}")
    try:
        return Config(**json_text.read(path, stored_weights.Config))
    except UsageError as error:
        raise DataError(f"{path}: {error}") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: {error}; run the step that writes it again") from error


def rebuilding(model: keras.Model) -> Callable[[], keras.Model]:
    """Give what makes a model of the same layers with fresh weights, in another process as well.

    Parameters
    ----------
    model : Autoencoder, or keras.Model as `classifier` makes it
    """
    if isinstance(model, Autoencoder):
        return functools.partial(build, model.config)
    return _classifier_of(**_shape_of_classifier(model))


def save_classifier(model: keras.Model, folder: files.StrPath) -> None:
    """Write ``classifier.keras`` and ``config.json`` into `folder`; the state of its optimiser is left out."""
    folder = pathlib.Path(folder)
    _write(keras.Model(model.input, model.output, name=model.name), folder / "classifier.keras")
    files.write_json(folder / "config.json", _shape_of_classifier(model))


def load_classifier(folder: files.StrPath) -> keras.Model:
    """Read the classifier that `save_classifier` wrote; errors as of `load`."""
    folder = pathlib.Path(folder)
    stored = json_text.read(folder / "config.json", stored_weights.Classifier)
    filters, n_classes = stored["filters"], stored["n_classes"]
    if not (2 <= len(filters) <= 8 and 1 <= min(filters) <= max(filters) <= MOST_FILTERS):
        raise DataError(f"{folder / 'config.json'}: filters make no classifier; run 02_train again")
    if not 1 <= n_classes <= MOST_CLASSES:
        raise DataError(f"{folder / 'config.json'}: n_classes must be from 1 to {MOST_CLASSES:,}; run 02_train again")
    build = _classifier_of(filters, n_classes)
    return stored_weights.load(folder / "classifier.keras", build, convolutions.least_weights(filters))


def _shape_of_classifier(model):
    filters = [layer.filters for layer in model.layers if isinstance(layer, layers.Conv2D)]
    return {"filters": filters, "n_classes": model.output.shape[-1]}


def _classifier_of(filters, n_classes):
    return functools.partial(classifier, Config(filters=filters, decoder_filters=filters[:-1]), n_classes)


def _write(model, path):
    with files.replacing(path) as temporary:
        devices.synchronise(model, on=False).save(temporary)
    devices.synchronise(model)


def _single(tensor):
    """Bring what a network gives to float32, in which the loss is computed whatever the layers' precision."""
    return ops.cast(tensor, "float32")


def _as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]
