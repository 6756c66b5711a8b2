"""Which images train and which test, and what augmentation may do to those that train."""

import numpy as np

from nanofoam_lib.errors import DataError


def by_group(labels, groups, test_fraction=0.3, seed=0):
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
    names, group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.zeros((len(names), len(classes)), int)
    np.add.at(counts, (group_of, label_of), 1)
    single = classes[(counts > 0).sum(axis=0) < 2]
    if single.size:
        raise DataError(f"class '{single[0]}' has one group only; a split by group needs at least two per class")
    order = np.random.default_rng(seed).permutation(len(names))
    target = test_fraction * counts.sum(axis=0)
    is_test = np.zeros(len(names), bool)
    for group in order:
        held_out = counts[is_test].sum(axis=0)
        if abs(held_out + counts[group] - target).sum() < abs(held_out - target).sum():
            is_test[group] = True
    _put_classes_on_both_sides(is_test, counts, order)
    missing = classes[(counts[is_test].sum(axis=0) == 0) | (counts[~is_test].sum(axis=0) == 0)]
    if missing.size:
        raise DataError(f"class '{missing[0]}' cannot be on both sides of a split by group: its groups span classes")
    return np.where(is_test[group_of], "test", "train")


def _put_classes_on_both_sides(is_test, counts, order):
    """Move the smallest group of a class over to the side where the class has none (in place)."""
    for side in (True, False):
        for label in range(counts.shape[1]):
            if counts[is_test == side, label].sum() == 0:
                candidates = [group for group in order if counts[group, label] > 0]
                is_test[min(candidates, key=lambda group: counts[group].sum())] = side


def dihedral(images, elements):
    """Flip and rotate each square image by one of the eight symmetries of the square.

    Parameters
    ----------
    images : ndarray, shape (N, S, S) or (N, S, S, C)
    elements : array-like of int in 0…7, shape (N,)
        0 is the identity; ``element % 4`` quarter turns counter-clockwise, after a left-right flip from 4 on.

    Returns
    -------
    ndarray, shape and dtype of `images`
    """
    result = np.empty_like(images)
    for i, element in enumerate(elements):
        image = images[i, :, ::-1] if element >= 4 else images[i]
        result[i] = np.rot90(image, element % 4)
    return result


def augment(images, rng):
    """Flip and rotate each image by a symmetry of the square drawn from `rng`, all eight equally likely."""
    return dihedral(images, rng.integers(8, size=len(images)))
