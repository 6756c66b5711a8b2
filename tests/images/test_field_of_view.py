import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import checking, field_of_view, preprocessing, synthetic
from nanofoam_lib.latent import classify, controls
from nanofoam_lib.models import control_registry
from nanofoam_lib.report import findings


def test_the_field_is_what_the_smallest_micrograph_shows():
    field, said = field_of_view.decide("auto", [0.5, 1.0, 2.0], [[400, 300], [200, 250], [90, 100]])
    assert field == field_of_view.Field(150.0, 2.0)  # 300 pixels of 0.5 µm
    assert said.endswith("(0.5 to 2 µm): all micrographs are shown at one scale, 1.172 µm per pixel and 150 µm wide")


def test_a_scale_that_is_asked_for_needs_pixel_sizes(tmp_path):
    root = tmp_path / "d"
    for label in "ab":
        (root / label).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.random.default_rng(i + ord(label)).integers(256, size=(64, 64), dtype=np.uint8)).save(
                root / label / f"{i}.png"
            )
    problems = checking.check(root, um_per_pixel=2.0, n_jobs=1).problems["problem"]
    assert (problems[:4] == "has no known pixel size, which um_per_pixel needs").all()
    said = checking.check(root, um_per_pixel=2.0, pixel_size_um=1.0, n_jobs=1).problems["problem"]
    assert (said[:4] == "shows 44 µm after the crop, less than the 256 µm of the common field").all()


@pytest.mark.parametrize(
    ("wanted", "um"), [("none", [0.5, 1.0]), (None, [0.5, 1.0]), ("auto", [0.5, 0.502]), ("auto", [np.nan, np.nan])]
)
def test_there_is_none_where_none_is_asked_for_or_needed(wanted, um):
    assert field_of_view.decide(wanted, um, [[100, 100]] * 2) == (None, "")


def test_where_there_can_be_none_that_is_said():
    field, said = field_of_view.decide("auto", [0.5, 1.0, np.nan], [[100, 100]] * 3)
    assert field is None and "some are unknown" in said
    field, said = field_of_view.decide("auto", [0.01, 1.0], [[400, 400]] * 2)
    assert field is None and "is 4 pixels of the coarsest micrograph: there is no common scale" in said


def test_a_number_is_the_scale_of_the_results():
    field, said = field_of_view.decide(2.0, [0.5, 1.0], [[400, 300]] * 2)
    assert field == field_of_view.Field(256.0, 1.0) and said == "all micrographs are shown with 2 µm per pixel"


def test_a_length_in_um_is_as_many_pixels_at_any_magnification():
    """A disc of 60 µm, photographed with pixels of 0.5, 1 and 2 µm."""
    areas = []
    for um in (0.5, 1.0, 2.0):
        y, x = (np.mgrid[: 300 / um, : 400 / um] + 0.5) * um
        grey = np.where(np.hypot(x - 200, y - 150) < 30, 0, 255).astype(np.uint8)
        shown = field_of_view.show(grey, 0.1, um, field_of_view.Field(128.0, 2.0))
        assert shown.shape == (128, 128)
        areas.append((255 - shown.astype(float)).sum() / 255)
    assert areas == pytest.approx([np.pi * 30**2] * 3, rel=0.02)


def test_no_micrograph_shows_more_detail_than_the_coarsest(rng):
    """White noise, sharp at 0.5 µm: where another has pixels of 4 µm, nothing finer is left of it."""
    grey = rng.integers(256, size=(600, 600), dtype=np.uint8)
    fine = field_of_view.show(grey, 0, 0.5, field_of_view.Field(128.0, 0.5)).astype(float)
    coarse = field_of_view.show(grey, 0, 0.5, field_of_view.Field(128.0, 4.0)).astype(float)
    power = [abs(np.fft.fft2(picture - picture.mean()))[32:96, 32:96].mean() for picture in (fine, coarse)]
    assert power[1] < 0.15 * power[0]


def test_the_margin_shows_what_lies_around_at_the_same_scale(rng):
    grey = np.asarray(Image.fromarray(rng.integers(256, size=(60, 60), dtype=np.uint8)).resize((600, 600)))
    field = field_of_view.Field(128.0, 1.0)
    plain, wide = (field_of_view.show(grey, 0.2, 1.0, field, 64, margin) for margin in (0, 8))
    assert wide.shape == (80, 80)
    assert abs(wide[9:-9, 9:-9].astype(int) - plain[1:-1, 1:-1]).max() <= 1


def test_what_cannot_be_shown_is_named(tmp_path):
    field = field_of_view.Field(200.0, 1.0)
    with pytest.raises(DataError, match=r"shows 150 µm after the crop, less than the 200 µm of the common field"):
        field_of_view.show(np.zeros((150, 400), np.uint8), 0, 1.0, field)
    with pytest.raises(DataError, match="no known pixel size, which um_per_pixel needs"):
        field_of_view.show(np.zeros((400, 400), np.uint8), 0, np.nan, field)


# ---------------------------------------------------------------- two magnifications

STRUCTURES = ("CuNi1", "CuNi3")  # pores of about 46 and 32 µm
UM = (0.9, 1.8)  # the same number of pixels: half the field of view, twice the size of everything


def write_folder(root, structure_of, n=10):
    """Write foams of two classes at two magnifications: `structure_of` gives the composition that a class has."""
    rows = []
    for label in "ab":
        for i in range(n):
            um = UM[i % 2] if structure_of == "crossed" else UM["ab".index(label)]
            composition = STRUCTURES["ab".index(label)] if structure_of == "crossed" else STRUCTURES[0]
            seed = 1000 * ("ab".index(label) + 1) + i
            picture, _ = synthetic.foam_micrograph(composition, seed, (240, 240), um)
            path = root / label / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
            rows.append((f"{label}/{i}.png", um))
    pd.DataFrame(rows, columns=["path", "pixel_size_um"]).to_csv(root / "metadata.csv", index=False)
    return root


FOLDS = (np.arange(20) // 2) % 2


def structure(root, place, um_per_pixel):
    """Accuracy of a forest on power spectra, over held-out halves; and the index."""
    with pytest.warns(RunWarning):
        index, _ = preprocessing.process(root, place / "images.npy", um_per_pixel=um_per_pixel, n_jobs=1)
    spectra, labels = controls.power_spectrum(np.load(place / "images.npy")), index["label"].to_numpy()
    right = []
    for k in (0, 1):
        held = np.equal(FOLDS, k)
        forest = RandomForestClassifier(100, random_state=0).fit(spectra[~held], labels[~held])
        right.append((forest.predict(spectra[held]) == labels[held]).mean())
    return np.mean(right), index


def magnification(index):
    """Row of the controls' table of a forest on the pixel size."""
    given = control_registry.Given(
        np.zeros((20, 8, 8), np.uint8), FOLDS == 0, (4,), pixel_size_um=index["pixel_size_um"]
    )
    own = control_registry.CONTROLS[control_registry.MAGNIFICATION].compute(given)
    vectors = {("control", values.shape[1], name): values for name, values in own}
    table, _ = classify.table1(vectors, index.assign(split=np.where(FOLDS == 0, "train", "test")), "foam", 0)
    return table.query("classifier == 'random forest'")


def test_where_magnification_is_crossed_with_the_class_structure_tells_it(tmp_path):
    root = write_folder(tmp_path / "d", "crossed")
    plain, _ = structure(root, tmp_path, "none")
    shown, index = structure(root, tmp_path, "auto")
    assert shown >= 0.85 and shown > plain
    assert (index["um_x"] == index["um_y"][0]).all() and (index["um_x"] == index["um_y"]).all()
    control = magnification(index)
    assert control["accuracy"].item() <= 0.6
    assert "does not give the class away" in findings.controls(with_model(control), 0.5)


def test_where_magnification_goes_with_the_class_that_is_reported_and_the_network_cannot_see_it(tmp_path):
    """The same structure in both classes: whoever tells them apart has seen the magnification."""
    root = write_folder(tmp_path / "d", "confounded")
    plain, _ = structure(root, tmp_path, "none")
    shown, index = structure(root, tmp_path, "auto")
    assert plain >= 0.9 and shown <= 0.75
    control = magnification(index)
    assert control["accuracy"].item() == 1.0
    assert "**the classes differ in magnification**" in findings.controls(with_model(control), 0.5)
    assert any("they go with the class (a 0.9, b 1.8)" in said for said in checking.check(root, n_jobs=1).said)


def with_model(control):
    model = control.assign(kind="vae", latent_dim=4, descriptor="mu", accuracy=0.6, ci_low=0.4, ci_high=0.8)
    return pd.concat([model, control], ignore_index=True)


def test_pixel_sizes_that_are_all_alike_make_no_control():
    for um in (None, [0.27] * 4, [0.27, 0.2701] * 2, [np.nan] * 4):
        given = control_registry.Given(np.zeros((4, 8, 8), np.uint8), [True] * 4, (4,), pixel_size_um=um)
        assert list(control_registry.CONTROLS[control_registry.MAGNIFICATION].compute(given)) == []
    given = control_registry.Given(np.zeros((2, 8, 8), np.uint8), [True] * 2, (4,), pixel_size_um=[1.0, np.nan])
    ((_, vectors),) = control_registry.CONTROLS[control_registry.MAGNIFICATION].compute(given)
    assert vectors.tolist() == [[0.0, 1.0], [0.0, 0.0]]
