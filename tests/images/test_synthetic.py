import functools

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

from nanofoam_lib.images import synthetic

SMALL = {
    "size": (300, 400),
    "pixel_size_um": 1.08,
}  # the microscope's field, 324 µm × 432 µm, at a quarter of its pixels
TINY = {"size": (75, 100), "pixel_size_um": 1.08}


@functools.cache
def series(composition):
    """Foams of 6 specimens, 3 images each, as (specimen, image, truth)."""
    return [(i % 6, *synthetic.foam_micrograph(composition, seed=100 + i, specimen=i % 6, **SMALL)) for i in range(18)]


def grey(image):
    return np.asarray(Image.fromarray(image).convert("L"), dtype=float)


def centre(array):
    height, width = array.shape[:2]
    return array[round(0.15 * height) : round(0.85 * height), round(0.15 * width) : round(0.85 * width)]


def test_same_arguments_same_bytes():
    image, truth = synthetic.foam_micrograph("CuNi2", seed=5, **TINY)
    again, truth_again = synthetic.foam_micrograph("CuNi2", seed=5, **TINY)
    assert image.dtype == np.uint8 and image.shape == (75, 100, 3)
    assert image.tobytes() == again.tobytes()
    assert set(truth) == {"centres_um", "diameters_um", "porosity", "density_per_mm2"}
    for key, value in truth.items():
        np.testing.assert_array_equal(value, truth_again[key])


def test_every_argument_matters():
    images = [
        synthetic.foam_micrograph("CuNi1", 5, **TINY)[0],
        synthetic.foam_micrograph("CuNi2", 5, **TINY)[0],
        synthetic.foam_micrograph("CuNi1", 6, **TINY)[0],
        synthetic.foam_micrograph("CuNi1", 5, specimen=0, **TINY)[0],
        synthetic.foam_micrograph("CuNi1", 5, specimen=5, **TINY)[0],
    ]
    assert len({image.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("composition", synthetic.COMPOSITIONS)
def test_truth_arithmetic(composition):
    for _, _, truth in series(composition)[:3]:
        centres, diameters = truth["centres_um"], truth["diameters_um"]
        assert centres.shape == (len(diameters), 2)
        assert (centres >= 0).all() and (centres < (432, 324)).all()
        assert truth["density_per_mm2"] == pytest.approx(len(diameters) / (0.432 * 0.324))
        # pores cut by the border make up for each other, so the listed discs cover about the porosity
        assert truth["porosity"] == pytest.approx((np.pi / 4 * diameters**2).sum() / (432 * 324), abs=0.05)
        assert 0.35 < truth["porosity"] < 0.55


def test_mask_is_the_truth():
    _, truth = synthetic.foam_micrograph("CuNi3", seed=2, **SMALL)
    mask = synthetic.foam_mask("CuNi3", seed=2, **SMALL)
    assert mask.dtype == bool and mask.shape == (300, 400)
    assert mask.mean() == truth["porosity"]
    columns, rows = (truth["centres_um"] // 1.08).astype(int).T
    assert mask[rows, columns].all()


def test_compositions_differ_in_pore_size_and_density():
    size = {c: np.median([np.median(t["diameters_um"]) for *_, t in series(c)]) for c in synthetic.COMPOSITIONS}
    density = {c: np.median([t["density_per_mm2"] for *_, t in series(c)]) for c in synthetic.COMPOSITIONS}
    porosity = {c: np.median([t["porosity"] for *_, t in series(c)]) for c in synthetic.COMPOSITIONS}
    assert size["CuNi1"] < size["CuNi2"] < size["CuNi3"]
    assert size["CuNi2"] - size["CuNi1"] < 0.6 * (size["CuNi3"] - size["CuNi2"])
    assert density["CuNi1"] > density["CuNi2"] > density["CuNi3"]
    assert max(porosity.values()) - min(porosity.values()) < 0.02


def test_neighbouring_compositions_overlap_and_the_outer_ones_do_not():
    medians = {c: [np.median(t["diameters_um"]) for *_, t in series(c)] for c in synthetic.COMPOSITIONS}
    assert max(medians["CuNi1"]) > min(medians["CuNi2"])
    assert max(medians["CuNi1"]) < min(medians["CuNi3"])


def test_same_foam_at_two_resolutions():
    image, truth = synthetic.foam_micrograph("CuNi1", seed=3, **SMALL)
    fine_image, fine = synthetic.foam_micrograph("CuNi1", seed=3, size=(600, 800), pixel_size_um=0.54)
    np.testing.assert_allclose(fine["centres_um"], truth["centres_um"])
    np.testing.assert_allclose(fine["diameters_um"], truth["diameters_um"])
    assert fine["porosity"] == pytest.approx(truth["porosity"], abs=0.003)
    coarse = grey(np.asarray(Image.fromarray(fine_image).resize((400, 300), Image.Resampling.BOX)))
    assert np.corrcoef(coarse.ravel(), grey(image).ravel())[0, 1] > 0.97


def test_area_of_an_irregular_pore_is_that_of_its_disc():
    diameters = np.array([30.0])
    pores = {
        "centres": np.array([[40.0, 40.0]]),
        "diameters": diameters,
        "waves": np.array([[0.1, 0.05j, -0.05, 0.02]], np.complex64),
        "floor": np.zeros(1, np.float32),
    }
    depth, _ = synthetic._paint(pores, (400, 400), 0.2, np.float32([1, 0]))
    assert (depth > 0).sum() * 0.2**2 == pytest.approx(np.pi / 4 * 30**2, rel=0.003)


@pytest.mark.parametrize("composition", synthetic.COMPOSITIONS)
def test_pores_are_darker_than_the_matrix(composition):
    mask = centre(synthetic.foam_mask(composition, seed=100, specimen=0, **SMALL))
    level = centre(grey(series(composition)[0][1]))
    assert level[mask].mean() < 0.6 * level[~mask].mean()
    assert ((level < (level[mask].mean() + level[~mask].mean()) / 2) == mask).mean() > 0.9


@pytest.mark.parametrize("composition", synthetic.COMPOSITIONS)
def test_unlit_border_lies_outside_the_centre(composition):
    lit = np.mean([grey(image) for _, image, _ in series(composition)], axis=0)  # pores average out
    corners = [lit[:15, :20], lit[:15, -20:], lit[-15:, :20], lit[-15:, -20:]]
    assert max(corner.mean() for corner in corners) < 0.15 * centre(lit).mean()
    within = centre(lit)
    assert min(within[:30, :40].mean(), within[-30:, -40:].mean()) > 0.6 * within.mean()


@pytest.mark.parametrize("composition", synthetic.COMPOSITIONS)
def test_pores_rarely_overlap(composition):
    for *_, truth in series(composition)[:4]:
        centres, radii = truth["centres_um"], truth["diameters_um"] / 2
        i, j = np.triu_indices(len(radii), k=1)
        overlap = radii[i] + radii[j] - np.hypot(*(centres[i] - centres[j]).T)
        assert (overlap > 0).sum() < 0.05 * len(radii)
        assert (overlap < 0.2 * np.minimum(radii[i], radii[j])).all()
        assert (overlap > -np.minimum(radii[i], radii[j])).sum() > 0.6 * len(radii)  # but most have a near neighbour


def test_no_pore_is_too_small_for_the_analysis():
    assert min(truth["diameters_um"].min() for *_, truth in series("CuNi1")) > 4 * 2.4


def by_group_accuracy(features):
    """Random forest accuracy on unseen specimens; `features` maps (image, truth) to numbers. Chance is 1/3."""
    rows = [(c, f"{c}-{s}", features(i, t)) for c in synthetic.COMPOSITIONS for s, i, t in series(c)]
    labels, groups, values = zip(*rows, strict=True)
    forest = RandomForestClassifier(200, random_state=0, n_jobs=1)
    return cross_val_score(forest, np.array(values), labels, groups=groups, cv=GroupKFold(3)).mean()


def test_brightness_and_contrast_do_not_tell_the_composition():
    def mean_and_std(image, _):
        level = Image.fromarray(centre(np.asarray(Image.fromarray(image).convert("L")))).resize((128, 128))
        return np.mean(level), np.std(level)

    assert by_group_accuracy(mean_and_std) < 0.5


def test_geometry_tells_the_composition():
    assert by_group_accuracy(lambda _, truth: (np.median(truth["diameters_um"]), truth["density_per_mm2"])) > 0.8


def test_images_of_a_specimen_share_its_offsets():
    def spread(rows):
        """Standard deviation within specimens over that of all, of brightness, tint and median pore size."""
        table = pd.DataFrame(
            {
                "specimen": [s for s, *_ in rows],
                "brightness": [centre(grey(i)).mean() for _, i, _ in rows],
                "tint": [i[100:200, 100:300, 2].mean() / i[100:200, 100:300, 1].mean() for _, i, _ in rows],
            }
        )
        within = table - table.groupby("specimen").transform("mean").assign(specimen=table["specimen"])
        return within.std() / table.std()

    for composition in synthetic.COMPOSITIONS:
        ratio = spread(series(composition))
        assert ratio["brightness"] < 0.85
        assert ratio["tint"] < 0.5


def test_field_without_pores():
    image, truth = synthetic.foam_micrograph("CuNi3", seed=0, size=(2, 3), pixel_size_um=0.27)
    assert image.shape == (2, 3, 3) and truth["centres_um"].shape[1] == 2 and truth["diameters_um"].ndim == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"composition": "CuNi4"}, "CuNi1, CuNi2, CuNi3"),
        ({"seed": -1}, "seed: expected a whole number"),
        ({"seed": 1.5}, "seed"),
        ({"size": (0, 400)}, "size"),
        ({"size": (300, -400)}, "size"),
        ({"size": (300.0, 400)}, "size"),
        ({"size": 300}, r"\(height, width\)"),
        ({"pixel_size_um": 0}, "pixel_size_um: expected a positive number"),
        ({"pixel_size_um": float("nan")}, "pixel_size_um"),
        ({"specimen": -2}, "specimen"),
    ],
)
def test_bad_arguments(change, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        synthetic.foam_micrograph(**({"composition": "CuNi1", "seed": 0} | change))
    assert "\n" not in str(caught.value)
