"""The parameters of a run: their names, types and ranges, and where their values come from."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Collection

from nanofoam_lib.base import safe_names, yaml_text
from nanofoam_lib.base.errors import UsageError
from nanofoam_lib.models import kinds


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter: its type, the range of its value (or of each entry of its list), and what it means."""

    type: str  # "int", "float", "bool", "str", "choice", or "list of" one of them
    low: float
    high: float
    meaning: str
    optional: bool = False  # whether null, or an empty list, is a value
    choices: Callable[[], Collection] = tuple  # gives them when they are asked for: plug-ins may add some
    words: tuple[str, ...] = ()  # that are values, too, beside those of the type
    sides: tuple[str, ...] = ()  # a list of one value for each of these is a value, too

    def accepts(self, value):
        """Tell whether `value` has the type and lies in the range."""
        if value is None:
            return self.optional
        if isinstance(value, str) and value in self.words:
            return True
        if self.sides and isinstance(value, list):
            return len(value) == len(self.sides) and all(map(self._fits, value))
        if not self.is_list:
            return self._fits(value)
        return isinstance(value, list) and (bool(value) or self.optional) and all(map(self._fits, value))

    @property
    def is_list(self):
        """Whether a value is a list."""
        return self.type.startswith(_LIST)

    @property
    def entry(self):
        """Type of the value, or of each entry of its list."""
        return self.type.removeprefix(_LIST)

    @property
    def expected(self):
        """Describe the values that are accepted."""
        if self.entry == "choice":
            choices = ", ".join(json.dumps(choice) for choice in self.choices())
            return f"a JSON list of some of {choices}" if self.is_list else f"one of {choices}"
        one, many = _WORDS[self.entry]
        limits = f" from {self.low:g} to {self.high:g}" if self.entry in ("int", "float") else ""
        others = [json.dumps(word) for word in self.words] + ["null"] * (self.optional and not self.is_list)
        others += [f"a JSON list of {len(self.sides)}, [{', '.join(self.sides)}]"] * bool(self.sides)
        return " or ".join([(f"a JSON list of {many}" if self.is_list else one) + limits, *others])

    def _fits(self, value):
        if self.entry in ("choice", "str"):
            return isinstance(value, str) and (self.entry == "str" or value in self.choices())
        if self.entry == "bool" or isinstance(value, bool):
            return self.entry == "bool" and isinstance(value, bool)
        return isinstance(value, int if self.entry == "int" else (int, float)) and self.low <= value <= self.high


def _pore_methods():
    from nanofoam_lib.images import pore_methods  # late: asking for help loads no numbers

    return pore_methods.CHOICES


def _synthetic_kinds():
    from nanofoam_lib.images import synthetic_kinds

    return tuple(synthetic_kinds.KINDS)


_LIST = "list of "
_WORDS = {
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "bool": ("true or false", "true and false"),
    "str": ("text", "strings"),
}
PROTOCOLS = ("by-group", "thesis")
FINE_TUNING = NOT_TUNED, *_ = ("none", "head", "last", "all")  # of `models.fine_tuning`
STEREOLOGY = ("none", "spheres")
STACKS = ("first", "max", "mean", "each")
WORDS = ("auto", "none")
SUBFOLDERS = ("auto", "groups", "ignore")  # of `images.collection.survey`
OTHERS = " and ".join(kinds.but_main(kinds.KINDS))

PARAMETERS = {
    "n_per_class": Parameter("int", 2, 1_000_000, "synthetic micrographs per class"),
    "image_width": Parameter("int", 64, 10_000, "width of a synthetic micrograph in pixels"),
    "image_height": Parameter("int", 64, 10_000, "height of a synthetic micrograph in pixels"),
    "pixel_size_um": Parameter("float", 1e-6, 1e6, "pixel size of the raw micrographs in µm, null: unknown", True),
    "crop": Parameter(
        "float",
        0,
        0.45,
        "share of each side that is cropped away, or [top, right, bottom, left]",
        sides=("top", "right", "bottom", "left"),
    ),
    "bar": Parameter(
        "int", 0, 10_000, "data bars: auto (found and cut off), none, or pixels at the bottom", words=WORDS
    ),
    "stack": Parameter("choice", 0, 0, f"of several planes in a file: {', '.join(STACKS)}", choices=lambda: STACKS),
    "um_per_pixel": Parameter(
        "float",
        1e-6,
        1e6,
        "scale of what the network sees in µm: auto (one for all where pixel sizes differ) or none",
        words=WORDS,
    ),
    "max_megapixels": Parameter("float", 1e-3, 1e5, "largest micrograph that is read, in million pixels"),
    "pores": Parameter("choice", 0, 0, "how pores are told from walls: auto suits each picture", choices=_pore_methods),
    "stereology": Parameter("choice", 0, 0, "sizes in space from sizes in the section", choices=lambda: STEREOLOGY),
    "synthetic": Parameter("choice", 0, 0, "what is drawn where no data are given", choices=_synthetic_kinds),
    "skip_bad": Parameter("bool", 0, 1, "leave bad images out instead of stopping"),
    "subfolders": Parameter(
        "choice",
        0,
        0,
        "images in folders within a class: each a group, not used, or auto: groups if all lie in such",
        choices=lambda: SUBFOLDERS,
    ),
    "test_fraction": Parameter("float", 0.01, 0.99, "share of each class held out for testing"),
    "latent_dims": Parameter("list of int", 2, 16_384, "latent sizes; one model of each kind for each"),
    "kinds": Parameter("list of choice", 0, 0, f"models to train: {kinds.MAIN}, perhaps {OTHERS}", choices=kinds.known),
    "filters": Parameter("list of int", 1, 4096, "filters of the encoder's convolutions"),
    "decoder_filters": Parameter("list of int", 1, 4096, "filters of the decoder's convolutions, one fewer"),
    "beta": Parameter("float", 0, 1e6, "weight of the KL divergence"),
    "learning_rate": Parameter("float", 1e-9, 1, "of Adam"),
    "batch_size": Parameter("int", 2, 100_000, "images per training step"),
    "epochs": Parameter("int", 1, 1_000_000, "passes over the training images"),
    "steps": Parameter(
        "int", 1, 100_000_000, "training steps, instead of epochs; kinds whose steps take longer get fewer", True
    ),
    "patience": Parameter(
        "int", 1, 1_000_000, "stop after so many epochs without gain on specimens kept from training, null: never", True
    ),
    "critic_steps": Parameter("int", 0, 100_000_000, "steps after that in which a critic corrects what is drawn"),
    "seed": Parameter("int", 0, 2**31 - 1, "of everything random"),
    "seeds": Parameter("list of int", 0, 2**31 - 1, "train once with each of these; [] is once, with seed", True),
    "splits": Parameter("int", 0, 10_000, "further splits by group on which every classifier is scored again"),
    "protocol": Parameter(
        "choice", 0, 0, "thesis trains and scores on its leaky split, too", choices=lambda: PROTOCOLS
    ),
    "width_cm": Parameter("float", 8, 40, "width of the figures in cm"),
    "strict_split": Parameter("bool", 0, 1, "stop where train and test images show the same picture"),
    "backbones": Parameter(
        "list of str", 0, 0, 'controls such as ["VGG16"], ["VGG16=weights.h5"] or ["timm:resnest50d"]', True
    ),
    "fine_tune": Parameter(
        "choice",
        0,
        0,
        "retrain backbones with the labels of train groups, too: a new head, the last block as well, or all",
        choices=lambda: FINE_TUNING,
    ),
}


def parse(assignment):
    """Read ``NAME=VALUE`` from the command line, VALUE as JSON.

    Returns
    -------
    (str, object)

    Examples
    --------
    >>> parse("latent_dims=[64, 128]")
    ('latent_dims', [64, 128])
    """
    name, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"-p {safe_names.short(assignment)}: expected NAME=VALUE")
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        return name, text  # a bare word; whether one is wanted is for `check` to say


def parse_all(assignments):
    """Read several as `parse` does: dict of name to value, of which the last given counts."""
    return dict(map(parse, assignments))


def check(values, source="", known=PARAMETERS):
    """Check names, types and ranges.

    Parameters
    ----------
    values : dict
    source : str
        Where they come from, to begin an error message with.
    known : collection of str
        Names that may be set.

    Returns
    -------
    dict
        `values`, whole numbers of float parameters turned into floats.

    Raises
    ------
    UsageError
        Naming the parameter and what it should be.
    """
    source = f"{source}: " if source else ""
    checked = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{source}unknown parameter {safe_names.quoted(name)}; known are {', '.join(known)}")
        parameter = PARAMETERS[name]
        if not parameter.accepts(value):
            raise UsageError(f"{source}{name} must be {parameter.expected}, not {_told(value)}")
        checked[name] = float(value) if parameter.type == "float" and isinstance(value, int) else value
    if kinds.MAIN not in checked.get("kinds", [kinds.MAIN]):
        raise UsageError(f'{source}kinds must hold "{kinds.MAIN}", which the maps and the walks are about')
    if {"filters", "decoder_filters"} <= checked.keys():
        _check_filters(checked["filters"], checked["decoder_filters"], source)
    if checked.get("fine_tune", NOT_TUNED) != NOT_TUNED:
        _check_retrained(checked.get("backbones", []), source)
    return checked


def load_profile(profile, folder):
    """Read the parameter values of a profile.

    Parameters
    ----------
    profile : str
        "demo" (the notebooks' own values), a name in `folder`, or a path that ends in ``.yaml`` or ``.yml``.
    folder : pathlib.Path
        Where the named profiles lie.

    Returns
    -------
    dict
    """
    if profile == "demo":
        return {}
    is_file = profile.endswith((".yaml", ".yml"))
    path = pathlib.Path(profile) if is_file else folder / f"{profile}.yaml"
    if not path.is_file():
        known = ", ".join(["demo", *sorted(file.stem for file in folder.glob("*.yaml"))])
        raise UsageError(f"--profile {profile}: no such profile; give one of {known}, or a .yaml file")
    try:
        values = yaml_text.read(path) or {}
    except (OSError, ValueError) as error:
        raise UsageError(f"--profile {profile}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(values, dict):
        raise UsageError(f"--profile {profile}: expected lines 'name: value'")
    return check(values, f"--profile {profile}")


def _told(value):
    """Write a value for an error: as JSON, as one gives it, where it is short."""
    told = safe_names.short(value)
    return told if len(told) >= safe_names.MOST_QUOTED else json.dumps(value, default=str)


def _check_retrained(names, source):
    from nanofoam_lib.models.control_registry import BACKBONES  # late: asking for help loads no numbers

    for name in names:
        if name.partition("=")[0].removeprefix("random-") not in BACKBONES:
            told = f"backbone {safe_names.quoted(name)} cannot be retrained; only {', '.join(BACKBONES)} can"
            raise UsageError(f"{source}fine_tune: {told}")


def _check_filters(filters, decoder_filters, source):
    if not 2 <= len(filters) <= 8:
        raise UsageError(f"{source}filters must have 2 to 8 entries, not {len(filters)}")
    if len(decoder_filters) != len(filters) - 1:
        raise UsageError(
            f"{source}decoder_filters must have one entry fewer than filters, {len(filters) - 1}, "
            f"not {len(decoder_filters)}"
        )
