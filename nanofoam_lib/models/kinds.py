"""Kinds of models: all that tells one from another, each in one entry.

A kind of your own is one more entry. Put it into a module, name that in ``NANOFOAM_PLUGINS`` (`base.plugins`), and ask
for it with ``-p 'kinds=["vae", "wide"]'``; tables, figures and report follow::

    from nanofoam_lib import kinds


    def network():
        from nanofoam_lib import vae
        from wide_networks import build_decoder, build_encoder

        return kinds.Network(build_encoder, build_decoder, vae.Autoencoder)


    kinds.register(kinds.Kind("wide", network, short=("wide VAE", "VAE ancho"), prose=("wide model", "modelo ancho")))

Nothing here loads Keras before a network is built.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nanofoam_lib.base import plugins
from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.base.labels import Label
from nanofoam_lib.base.language import text

#: The thesis's model, which most figures are about: what is drawn and tabled of it carries no suffix, and every run
#: trains it.
MAIN = "vae"
#: The kind whose large foams carry none.
MAIN_LARGE = "texture"

#: What would be mistaken for another thing in tables and file names.
TAKEN = ("control", "class")

CYCLE, STATISTICS = "cycle_error", "statistics_error"


class Network(NamedTuple):
    """What a kind is made of.

    Attributes
    ----------
    build_encoder : callable
        ``(vae.Config, seed)`` → keras.Model: images (N, 128, 128, 1) in [0, 1] → the heads, each (N, latent_dim), from
        layers named like them. The last feature map is the output of the layer ``features``.
    build_decoder : callable
        ``(vae.Config, seed)`` → keras.Model: latents (N, latent_dim), and a field of noise (N, S, S, 1) if it takes
        any, → images (N, S, S, 1) in [0, 1], from the layer ``logits``.
    model : type
        `vae.Autoencoder` or a subclass, which says what the loss is.
    start : callable, optional
        ``(model, images, seed)``: changes a fresh model before its first step, knowing some train images, ndarray of
        float32 (n, 128, 128, 1) in [0, 1], as `bottleneck.start` does.
    least_weights : callable, optional
        ``config`` → (int, int), weights that encoder and decoder have at least: files that hold fewer are refused
        before anything is built.
    """

    build_encoder: Callable
    build_decoder: Callable
    model: type
    start: Callable | None = None
    least_weights: Callable | None = None


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of model.

    Parameters
    ----------
    name : str
        As it stands in parameters, folders, file names and tables: small letters and digits.
    load : callable
        Gives its `Network`; imports what that needs when it is called.
    short, prose : Label
        What it is called on an axis, and in a sentence after "the" ("el" in Spanish).
    heads : sequence of str
        Of the encoder: mu and log_var, or one whose vectors are decoded as they are.
    error : str, optional
        What is amiss with the picture of a point (`realism.measure`): that it is encoded elsewhere, ``cycle_error``, or
        has other statistics than a real image has there, ``statistics_error``. None: new points are not decoded.
    draws_large : bool
        Whether it draws pictures larger than the images that it was trained on.
    step_cost : float
        How many steps of the VAE take as long as one of its: a budget of steps is divided by it.
    faces_critic : bool
        Whether its decoder may learn from a critic (`texture.TextureAutoencoder.face`).
    in_thesis : bool
        Whether the thesis compares its descriptors: a sweep names them without the kind.
    foremost : str, optional
        The descriptor that is held to the controls, named before anything is scored; none: the kind is not.
    """

    name: str
    load: Callable[[], Network]
    short: Label
    prose: Label
    heads: tuple[str, ...] = ("mu", "log_var")
    error: str | None = CYCLE
    draws_large: bool = False
    step_cost: float = 1.0
    faces_critic: bool = False
    in_thesis: bool = False
    foremost: str | None = None

    def __post_init__(self) -> None:
        for field, make in (("heads", tuple), ("short", Label._make), ("prose", Label._make)):
            object.__setattr__(self, field, make(getattr(self, field)))
        if not re.fullmatch("[a-z][a-z0-9]*", self.name) or self.name in TAKEN:
            raise ValueError(f"{self.name!r} is no name for a kind of model")
        if not self.is_variational and (len(self.heads) > 1 or self.draws):
            raise ValueError(f"{self.name}: only what has the heads mu and log_var has several heads or an error")
        if self.error not in (CYCLE, STATISTICS, None):
            raise ValueError(f"{self.name}: error must be {CYCLE}, {STATISTICS} or None, not {self.error!r}")

    @property
    def is_variational(self) -> bool:
        """Whether an image becomes a distribution, μ and σ, and not a point."""
        return set(self.heads) == {"mu", "log_var"}

    @property
    def descriptors(self) -> tuple[str, ...]:
        """Names of the descriptors that it gives (`descriptors.encode`)."""
        return ("mu", "sigma", "z") if self.is_variational else self.heads

    @property
    def draws(self) -> bool:
        """Whether new points of its latent space are decoded."""
        return self.error is not None

    @property
    def redraws(self) -> bool:
        """Whether the picture of an image is another sample of the same statistics, not its reconstruction."""
        return self.error == STATISTICS

    def untrained(self, descriptor: str) -> str:
        """Name the control that is a descriptor of its encoder with fresh weights."""
        return f"untrained {descriptor}" if self.name == MAIN else f"untrained {self.name} {descriptor}"


def _vae():
    from nanofoam_lib.models import bottleneck, vae, vae_networks

    parts = vae_networks.build_encoder, vae_networks.build_decoder
    return Network(*parts, vae.Autoencoder, bottleneck.start, vae_networks.least_weights)


def _texture():
    from nanofoam_lib.models import texture, texture_decoder, texture_encoder

    parts = texture_encoder.build_encoder, texture_decoder.build_decoder
    return Network(*parts, texture.TextureAutoencoder, texture_encoder.start, texture_decoder.least_weights)


#: By name, in the order in which they are offered.
KINDS = {
    kind.name: kind
    for kind in (
        Kind("vae", _vae, short=Label("VAE", "VAE"), prose=Label("VAE", "VAE"), in_thesis=True,
             foremost="sigma"),
        Kind("ae", _vae, short=Label("AE", "AE"), prose=Label("plain autoencoder", "autocodificador simple"),
             heads=("conv",), error=None, in_thesis=True),
        Kind("texture", _texture, short=Label("texture VAE", "VAE de texturas"),
             prose=Label("texture model", "modelo de texturas"), error=STATISTICS, draws_large=True,
             step_cost=4.0, faces_critic=True, foremost="mu"),
    )
}  # fmt: skip


def register(kind: Kind) -> None:
    """Add a kind; ValueError if its name is taken."""
    if kind.name in KINDS:
        raise ValueError(f"there is a kind of model called {kind.name} already")
    KINDS[kind.name] = kind


def known() -> dict[str, Kind]:
    """Give all kinds, those of plug-ins too: dict of name to `Kind`."""
    plugins.load()
    return KINDS


def get(name: str) -> Kind:
    """Look up a kind by its name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in known():
        raise UsageError(f"kind must be one of {', '.join(KINDS)}, not {name!r}; {plugins.VARIABLE} may add others")
    return KINDS[name]


def foremost(vectors: Mapping[tuple[str, int, str], Any]) -> dict[tuple[str, int, str], Any]:
    """Choose the descriptors that were named beforehand, of the first latent size: (kind, size, name) → as it was.

    Examples
    --------
    >>> foremost({("vae", 64, "mu"): 1, ("vae", 64, "sigma"): 2, ("control", 9, "LBP"): 3, ("vae", 128, "sigma"): 4})
    {('vae', 64, 'sigma'): 2}
    """
    own = [key for key in vectors if key[0] in known() and get(key[0]).foremost == key[2]]
    return {key: vectors[key] for key in own if key[1] == own[0][1]}


def placing(names: Iterable[str], latent_dim: int) -> tuple[str, int, str]:
    """Choose the descriptor in which neighbours are sought: μ of a model that is told by it, or else of the main one.

    Examples
    --------
    >>> placing(["vae", "ae", "texture"], 64), placing(["vae"], 64)
    (('texture', 64, 'mu'), ('vae', 64, 'mu'))
    """
    return next((name for name in names if get(name).foremost == "mu"), MAIN), latent_dim, "mu"


def drawing(names: Iterable[str]) -> list[str]:
    """Choose the kinds that decode new points, in their order: list of str.

    Examples
    --------
    >>> drawing(["texture", "ae", "vae"]), drawing_large(["vae", "texture"]), but_main(["texture", "vae"])
    (['texture', 'vae'], ['texture'], ['texture'])
    """
    return [name for name in names if get(name).draws]


def drawing_large(names: Iterable[str]) -> list[str]:
    """Choose the kinds that draw pictures larger than an image, in their order: list of str."""
    return [name for name in names if get(name).draws_large]


def but_main(names: Iterable[str]) -> list[str]:
    """Choose the kinds other than the thesis's VAE, in their order: list of str."""
    return [name for name in names if name != MAIN]


def of_kind(name: str, kind: str, main: str = MAIN) -> str:
    """Name the table, drawing or figure of one kind of model: those of the `main` one as they are.

    Examples
    --------
    >>> of_kind("generated", "vae"), of_kind("generated", "texture")
    ('generated', 'generated_texture')
    """
    return name if kind == main else f"{name}_{kind}"


def descriptor_name(kind: str, latent_dim: int, descriptor: str, lang: str = "en") -> str:
    """Name a descriptor as a sentence does.

    Examples
    --------
    >>> descriptor_name("vae", 128, "sigma"), descriptor_name("texture", 64, "mu", "es")
    ('σ of the 128-d VAE', 'μ del modelo de texturas de 64 dimensiones')
    """
    words = {"descriptor": text(descriptor, lang), "model": get(kind).prose.in_language(lang), "size": latent_dim}
    return text("{descriptor} of the {size}-d {model}", lang).format(**words)


def labels(lang: str) -> dict[str, str]:
    """Give what each kind is called in figures and tables: dict of name to str."""
    return {name: kind.short.in_language(lang) for name, kind in known().items()}


def called(folder: str, lang: str = "en") -> str:
    """Name the model in a folder as `model_name` does; of a kind that is not known, by its folder.

    Examples
    --------
    >>> called("texture-64", "es"), called("other")
    ('VAE de texturas 64-d', 'other')
    """
    kind, _, size = folder.rpartition("-")
    return model_name(kind, int(size), lang) if kind in known() and size.isdecimal() else folder


def model_name(kind: str, latent_dim: int, lang: str = "en") -> str:
    """Name a model in a figure: "VAE 128-d", "texture VAE 128-d"."""
    return f"{get(kind).short.in_language(lang)} {latent_dim}-d"
