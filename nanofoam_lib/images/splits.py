"""Which images train and which test, and whether one side shows what the other does."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from nanofoam_lib.base import memmap, safe_names
from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.base.progress import track
from nanofoam_lib.images.augmentation import TRANSFORMS, dihedral

# Copies reach 0.75 in the coarse comparison; of all pairs of different fields fewer than 1 in 10,000 reach this
_COARSE_THRESHOLD = 0.55


def by_group(labels: ArrayLike, groups: ArrayLike, test_fraction: float = 0.3, seed: int = 0) -> NDArray[np.str_]:
    """Split by group, stratified by class: images of one group never stand on both sides.

    Parameters
    ----------
    labels, groups : array-like, shape (N,)
        Class and group (specimen, or the image itself) of each image. A group name used in two classes counts as one
        group.
    test_fraction : float in (0, 1)
        Share of each class that is held out, as nearly as whole groups allow.
    seed : int

    Returns
    -------
    ndarray of str, shape (N,)
        "train" or "test". Every class is on both sides.

    Raises
    ------
    DataError
        If some class cannot be on both sides, because it has one group only.

    Notes
    -----
    Groups are taken in random order; one goes to the test side if that brings the classes' test shares closer to
    `test_fraction` in total.

    Examples
    --------
    >>> labels = ["a"] * 4 + ["b"] * 4
    >>> split = by_group(labels, [1, 1, 2, 2, 3, 3, 4, 4], test_fraction=0.5)
    >>> [int((split[part] == "test").sum()) for part in (slice(0, 4), slice(4, 8))]
    [2, 2]
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, not {test_fraction}")
    classes, label_of = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    unique, group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.zeros((len(unique), len(classes)), int)
    np.add.at(counts, (group_of, label_of), 1)
    single = classes[(counts > 0).sum(axis=0) < 2]
    if single.size:
        raise DataError(
            f"class '{safe_names.shown(single[0])}' has one group only; a split by group needs at least two per class"
        )
    order = np.random.default_rng(seed).permutation(len(unique))
    target = test_fraction * counts.sum(axis=0)
    is_test = np.zeros(len(unique), bool)
    held_out = np.zeros(len(classes), int)
    for group in order:
        if abs(held_out + counts[group] - target).sum() < abs(held_out - target).sum():
            is_test[group] = True
            held_out += counts[group]
    _put_classes_on_both_sides(is_test, counts, order)
    missing = classes[(counts[is_test].sum(axis=0) == 0) | (counts[~is_test].sum(axis=0) == 0)]
    if missing.size:
        name = safe_names.shown(missing[0])
        raise DataError(f"class '{name}' cannot be on both sides of a split by group: its groups span classes")
    return np.where(is_test[group_of], "test", "train")


def check_several(labels: ArrayLike) -> None:
    """Raise DataError if there is one class, as where a notebook that tells classes apart is opened by itself."""
    if len(np.unique(np.asarray(labels, dtype=str))) < 2:
        raise DataError(
            "there is one class, and nothing to tell apart: run the chain by nanofoam run, which leaves such cells out"
        )


def hold_out(index: pd.DataFrame, fraction: float, seed: int = 0) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Keep whole groups of the train side from training, to decide by them what the test side must not.

    Parameters
    ----------
    index : pandas.DataFrame
        Columns `label`, `group` and `split`.
    fraction : float in [0, 1)
        Share of each class of the train side that is kept; 0 keeps nothing.
    seed : int

    Returns
    -------
    train_rows, held_out_rows : ndarray of int

    Raises
    ------
    DataError
        If a class has one group only on the train side, and `fraction` is not 0.
    """
    rows = np.flatnonzero(index["split"] == "train")
    if not fraction:
        return rows, rows[:0]
    own = index.iloc[rows]
    is_kept = by_group(own["label"], own["group"], fraction, seed) == "test"
    return rows[~is_kept], rows[is_kept]


def _put_classes_on_both_sides(is_test, counts, order):
    """Move the smallest group of a class over to the side where the class has none (in place)."""
    for side in (True, False):
        for label in range(counts.shape[1]):
            if counts[is_test == side, label].sum() == 0:
                candidates = [group for group in order if counts[group, label] > 0]
                is_test[min(candidates, key=lambda group: counts[group].sum())] = side


def thesis(n_images: int, seed: int = 0) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.str_]]:
    """Augment first, then split at random: the protocol of the thesis, kept to show what its leak is worth.

    **It leaks**: turned and flipped copies of one image land on both sides, so that a classifier is tested on pictures
    that it has in part learnt by heart. Its accuracies say nothing about unseen material; use `by_group` for that.

    Parameters
    ----------
    n_images : int
    seed : int

    Returns
    -------
    rows, elements : ndarray of int, shape (n,)
        The image and the symmetry of each copy: ``dihedral(images[rows], elements)`` makes them. As in the thesis
        (section 4), which makes 3520 of 600, n is 88/15 times `n_images`: first the originals, then as many as are
        missing of the flipped and turned copies, drawn at random, none twice.
    split : ndarray of str, shape (n,)
        "train" (2400 of 3520, in proportion) or "test", drawn at random, whatever the class and the image.

    Examples
    --------
    >>> rows, elements, split = thesis(600)
    >>> len(rows), int((split == "train").sum())
    (3520, 2400)
    """
    n = round(n_images * 3520 / 600)
    rng = np.random.default_rng(seed)
    copies = n_images + rng.permutation(7 * n_images)[: n - n_images]
    elements, rows = np.divmod(np.concatenate([np.arange(n_images), copies]), n_images)
    split = np.where(rng.permutation(n) < round(n * 2400 / 3520), "train", "test")
    return rows, elements, split


def near_duplicates(images: NDArray[np.uint8], split: ArrayLike, threshold: float = 0.7) -> pd.DataFrame:
    """List the pairs of a train and a test image that show the same picture: the leak guard of a split.

    Found are images that differ by flips and quarter turns, by a shift of up to 4 pixels in x and in y, by brightness
    and contrast, and by a little noise or compression, in any combination. Not found are fields of view that overlap
    less than that, and negatives.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 128, 128)
        May be memory-mapped: it is read in blocks.
    split : array-like of str, shape (N,)
        "train" or "test"; rows with another value are left out.
    threshold : float
        Smallest similarity that is listed. Copies score about 0.8 to 1, different fields of one material at most 0.5.

    Returns
    -------
    pandas.DataFrame
        One row per pair, the most similar first: `train_id` and `test_id`, rows of `images`; `similarity`, the
        largest normalised cross-correlation over the eight symmetries and shifts of up to 6 pixels, in [-1, 1];
        `transform`, one of `TRANSFORMS`, which turns the train image into the test image.

    Raises
    ------
    ValueError
        If the images have another shape, or `split` another length.

    Notes
    -----
    Images are halved in size and freed of noise and uneven light by a difference of Gaussians. All pairs are compared
    on 20×20 pixels of a blurred copy, in 8 symmetries and 4 shifts, by matrix products (26 kflop per pair); the few
    that are alike are compared in full. Memory: 2 kB per train image and 20 MB. An image without contrast resembles
    none.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(256, size=(1, 128, 128), dtype=np.uint8)
    >>> copy = 90 + dihedral(image, [1]) // 2
    >>> near_duplicates(np.concatenate([image, copy]), ["train", "test"])["transform"].tolist()
    ['90° turn']
    """
    split = np.asarray(split, dtype=str)
    if images.ndim != 3 or images.shape[1:] != (128, 128) or split.shape != images.shape[:1]:
        raise ValueError(f"expected images (N, 128, 128) and split (N,), not {images.shape} and {split.shape}")
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    found = _same_pictures(images, train, test, threshold)
    return found.rename(columns={"first": "train_id", "second": "test_id"})


def twins(images: NDArray[np.uint8], groups: ArrayLike, threshold: float = 0.7) -> pd.DataFrame:
    """List the pairs of images of different groups that show the same picture, on whichever side they stand.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 128, 128)
    groups : array-like, shape (N,)
    threshold : float
        As in `near_duplicates`.

    Returns
    -------
    pandas.DataFrame
        Columns first and second, rows of `images` (first < second), similarity and transform; the most similar first.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(256, size=(1, 128, 128), dtype=np.uint8)
    >>> twins(np.repeat(image, 3, axis=0), ["a", "b", "b"])[["first", "second"]].to_numpy().tolist()
    [[0, 1], [0, 2]]
    """
    numbers = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    rows = np.arange(len(images))
    return _same_pictures(
        images, rows, rows, threshold, lambda i, j: (numbers[i] != numbers[j, None]) & (i < j[:, None])
    )


def warn_or_stop(pairs: pd.DataFrame, paths: ArrayLike, strict: bool = False) -> None:
    """Say that a split leaks, if `near_duplicates` listed any pair.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As `near_duplicates` returns it.
    paths : sequence of str, shape (N,)
        Name of each image.
    strict : bool
        Raise DataError instead of warning with RunWarning.
    """
    if not len(pairs):
        return
    first = pairs.iloc[0]
    train, test = (safe_names.shown(np.asarray(paths)[first[side]]) for side in ("train_id", "test_id"))
    message = (
        f"the split leaks: {len(pairs)} pairs of a train and a test image show the same picture, the most alike being "
        f"{train} and {test} (similarity {first['similarity']:.2f}); give such images one group in metadata.csv"
    )
    if strict:
        raise DataError(message)
    warnings.warn(message, RunWarning, stacklevel=2)


def warn_of_few_groups(labels: ArrayLike, groups: ArrayLike, split: ArrayLike, least: int = 10) -> None:
    """Say of which classes too few groups are held out for their accuracy to mean much.

    Parameters
    ----------
    labels, groups, split : array-like, shape (N,)
        Class, group and side ("train" or "test") of each image.
    least : int
        Fewer groups than this are too few: of 10 that are all right, the 95 % interval (Clopper-Pearson) begins at
        0.69.

    Warns
    -----
    RunWarning
        Naming each such class and the number of its test groups.
    """
    table = pd.DataFrame({"label": np.asarray(labels), "group": np.asarray(groups)})
    counts = table[np.asarray(split) == "test"].groupby("label")["group"].nunique()
    few = [f"{safe_names.shown(label)} {count}" for label, count in counts.items() if count < least]
    if few:
        warnings.warn(
            f"fewer than {least} groups of a class are held out ({', '.join(few)}): the accuracy on test images is "
            "uncertain, whatever their number; photograph more specimens",
            RunWarning,
            stacklevel=2,
        )


def _same_pictures(images, known, asked, threshold, may_pair=None):
    """List which of the rows `asked` show the picture of which of the rows `known`, as far as these `may_pair`.

    Of rows i (n,) and j (m,), `may_pair` gives a mask (m, n).
    """
    pictures = [_unit(_blur(memmap.take(images, rows))[:, 3:61:3, 3:61:3]) for rows in _blocks(known)]
    pictures = np.concatenate(pictures or [np.empty((0, 400), np.float32)]).T
    found = {}
    for rows in track(_blocks(asked), "looking for copies"):
        blurred = _blur(memmap.take(images, rows))
        shifted = [blurred[:, y : y + 58 : 3, x : x + 58 : 3] for y in (2, 4) for x in (2, 4)]
        wanted = True if may_pair is None else may_pair(known, rows)
        for element in range(8):
            turned = (_unit(dihedral(own, [element] * len(rows))) for own in shifted)
            alike = np.max([own @ pictures for own in turned], axis=0)
            for j, i in np.argwhere((alike >= _COARSE_THRESHOLD) & wanted):
                similarity = _correlation(images[known[i]], images[rows[j]], element)
                if similarity >= threshold:
                    inverse = -element % 4 if element < 4 else element
                    pair = (int(known[i]), int(rows[j]))
                    found[pair] = max(found.get(pair, (-1.0, 0)), (similarity, inverse))
    listed = [(*pair, similarity, TRANSFORMS[element]) for pair, (similarity, element) in found.items()]
    listed.sort(key=lambda row: (-row[2], row[:2]))
    return pd.DataFrame(listed, columns=["first", "second", "similarity", "transform"])


def _blocks(rows, size=128):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _level(images):
    """Halve images (N, 128, 128), and keep what is wider than noise and narrower than the unevenness of the light."""
    half = images.reshape(len(images), 64, 2, 64, 2).mean(axis=(2, 4), dtype=np.float32)
    return gaussian_filter(half, (0, 1, 1)) - gaussian_filter(half, (0, 6, 6))


def _blur(images):
    """Level images and blur them, so that every third pixel, up to 2 pixels off, tells whether two are alike."""
    return gaussian_filter(_level(images), (0, 2, 2))


def _unit(pictures):
    """Flatten pictures to rows of mean 0 and length 1, or nearly 0 if they have no contrast."""
    rows = pictures.reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 0.5)


def _correlation(image, other, element):
    """Correlate the centre of `image` with every window of `other`, turned by `element`, up to 3 pixels (of 64) off."""
    centre = _level(image[None])[:, 3:61, 3:61]
    windows = np.lib.stride_tricks.sliding_window_view(dihedral(_level(other[None]), [element])[0], (58, 58))
    return float((_unit(windows.reshape(49, 58, 58)) @ _unit(centre)[0]).max())
