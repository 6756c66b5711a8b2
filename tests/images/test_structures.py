import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nanofoam_lib.images import structures
from nanofoam_lib.images.power_diagram import power_diagram
from nanofoam_lib.images.structure_fields import bumps, field, rough, scatter
from nanofoam_lib.images.structure_imaging import expose
from nanofoam_lib.images.structures import Imaging, Structure, draw_structure, labels, phase, picture

KINDS = sorted(structures.KINDS)
SMALL = (96, 96)


def crossings(solid, axis):
    """Boundaries between the two phases per pixel along an axis."""
    return np.diff(solid.astype(np.int8), axis=axis).astype(bool).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_same_arguments_same_bytes_and_every_argument_matters(kind):
    one, other = draw_structure(4, kind), draw_structure(5, kind)
    assert one == draw_structure(4, kind) != other
    image = picture(one, 7, SMALL)
    assert image.dtype == np.uint8 and image.shape == SMALL
    assert image.tobytes() == picture(one, 7, SMALL).tobytes()
    others = [picture(one, 8, SMALL), picture(other, 7, SMALL), picture(one, 7, SMALL, Imaging())]
    assert len({image.tobytes(), *(each.tobytes() for each in others)}) == 4


def test_a_kind_is_drawn_as_often_as_the_others():
    drawn = [draw_structure(seed).kind for seed in range(700)]
    assert all(60 < drawn.count(kind) < 140 for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_random_structure_has_contrast(kind):
    for seed in range(50):
        assert picture(draw_structure(seed, kind), seed, SMALL).std() > 5, seed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 250)])
def test_pictures_of_any_size(kind, size):
    assert picture(Structure(kind), 0, size).shape == size


def rings(image):
    """Logarithm of the power in octaves and quarter octaves of wave number, without the brightness."""
    power = abs(np.fft.rfft2(image - image.mean())) ** 2
    k = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1]))
    ring = np.digitize(k, np.geomspace(2 / image.shape[0], 0.5, 10))
    spectrum = np.log([power[ring == i].mean() for i in range(1, 10)])
    return spectrum - spectrum.mean()


@pytest.mark.parametrize(("imaging", "most"), [(Imaging(), 0.5), (None, 0.85)], ids=["alike", "drawn"])
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_a_specimen_are_more_alike_than_those_of_others(kind, imaging, most):
    specimens = [draw_structure(seed, kind) for seed in range(12)]
    spectra = np.array([[rings(picture(one, seed, (128, 128), imaging)) for seed in (0, 1)] for one in specimens])
    apart = np.linalg.norm(spectra[:, None, 0] - spectra[None, :, 1], axis=-1)
    assert np.median(np.diag(apart)) < most * np.median(apart[~np.eye(12, dtype=bool)])


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.75])
def test_solid_fraction_of_waves(fraction):
    solid = np.mean(
        [phase(Structure("waves", {"size": 8, "fraction": fraction}), s, (512, 512)).mean() for s in (0, 1)]
    )
    assert solid == pytest.approx(fraction, abs=0.02)


@pytest.mark.parametrize("size", [10.0, 20.0, 40.0])
def test_waves_cross_their_level_as_often_as_rice_says(size):
    """Per unit length, sqrt(λ2) / π · exp(-level² / 2), with λ2 = k² / 3 for waves of every direction in space."""
    solid = phase(Structure("waves", {"size": size, "fraction": 0.5, "band": 0}), 3, (600, 600))
    expected = 2 * math.pi / size / math.sqrt(3) / math.pi
    assert (crossings(solid, 0) + crossings(solid, 1)) / 2 == pytest.approx(expected, rel=0.07)


def test_aspect_squeezes_one_side_and_stretches_the_other():
    solid = phase(Structure("waves", {"size": 12, "fraction": 0.5, "aspect": 2.0}), 0, (600, 600))
    assert crossings(solid, 1) / crossings(solid, 0) == pytest.approx(2, rel=0.1)


def test_porosity_of_pores_that_fall_where_they_like():
    """Discs of a Poisson process leave 1 - porosity, whatever their radii."""
    free = {"regularity": 0, "wall": 0, "bend": 0, "size": 8}
    for porosity in (0.2, 0.5):
        pores = [phase(Structure("pores", {**free, "porosity": porosity}), seed, (400, 400)) for seed in range(3)]
        assert np.mean(pores) == pytest.approx(porosity, abs=0.03)


def test_phase_is_that_of_the_picture():
    for kind, sign in (("pores", -1), ("fibres", 1), ("waves", 1)):
        structure = Structure(kind)
        inside, image = phase(structure, 2), picture(structure, 2, imaging=Imaging()).astype(float)
        assert sign * (image[inside].mean() - image[~inside].mean()) > image.std(), kind


@pytest.mark.parametrize("angle", [0.3, 1.2, 2.4])
def test_fibres_lie_along_their_angle(angle):
    mat = Structure("fibres", {"angle": angle, "scatter": 0.1, "curl": 0.1, "density": 0.8})
    gy, gx = np.gradient(gaussian_filter(picture(mat, 1, (256, 256), Imaging()).astype(float), 1.0))
    across = 0.5 * np.arctan2(2 * (gx * gy).mean(), (gx**2 - gy**2).mean())
    off = (across + math.pi / 2 - angle + math.pi / 2) % math.pi - math.pi / 2
    assert abs(off) < math.radians(5)


def test_fibres_are_aligned_as_much_as_they_should_be():
    def alignment(scatter):
        mat = Structure("fibres", {"angle": 0.5, "scatter": scatter, "curl": 0})
        gy, gx = np.gradient(gaussian_filter(picture(mat, 1, (256, 256), Imaging()).astype(float), 1.0))
        return np.hypot(2 * (gx * gy).mean(), (gx**2 - gy**2).mean()) / (gx**2 + gy**2).mean()

    assert alignment(0.1) > alignment(0.5) + 0.1 > alignment(1.5) + 0.2


@pytest.mark.parametrize("width", [3.0, 10.0])
@pytest.mark.parametrize("density", [0.3, 1.0])
def test_fibres_cover_what_independent_fibres_cover(width, density):
    """A Boolean model leaves exp(-density) bare."""
    mat = Structure("fibres", {"width": width, "density": density, "curl": 0, "spread": 0, "scatter": 2.0})
    covered = np.mean([phase(mat, seed, (400, 400)).mean() for seed in range(3)])
    assert covered == pytest.approx(1 - math.exp(-density), rel=0.1)


@pytest.mark.parametrize("kind", ["cells", "grains"])
def test_cells_part_the_plane_and_count_as_their_size_says(kind):
    def count(size):
        found = labels(Structure(kind, {"size": size}), 1, (400, 400))
        assert np.array_equal(np.unique(found), np.arange(found.max() + 1))
        rim = np.unique(np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]]))
        return found.max() + 1 - len(rim) / 2  # of a cell on the rim, half lies in the picture

    few, many = count(20.0), count(10.0)
    assert many == pytest.approx(400**2 / 10**2, rel=0.06)
    assert many / few == pytest.approx(4, rel=0.1)


def test_walls_of_cells_lie_between_labels():
    cells = Structure("cells", {"size": 24, "glints": 0, "open": 0, "shade": 0})
    found, image = labels(cells, 0, (200, 200)), picture(cells, 0, (200, 200), Imaging()).astype(float)
    between = np.zeros(found.shape, bool)
    between[:, 1:] |= found[:, 1:] != found[:, :-1]
    between[1:] |= found[1:] != found[:-1]
    assert image[between].mean() > image[~between].mean() + 1.5 * image.std()


def test_power_diagram_is_that_of_every_disc():
    rng = np.random.default_rng(0)
    centres = rng.uniform(-10, 110, (150, 2))
    radii = rng.uniform(1, 8, 150)
    x, y = np.meshgrid(np.arange(100, dtype=np.float32), np.arange(90, dtype=np.float32))
    diagram = power_diagram(x, y, centres, radii, 9.0)
    power = (x[..., None] - centres[:, 0]) ** 2 + (y[..., None] - centres[:, 1]) ** 2 - radii**2
    assert (diagram.label == power.argmin(axis=-1)).mean() > 0.999
    np.testing.assert_allclose(diagram.power, power.min(axis=-1), atol=0.01)


def test_border_of_two_discs_is_their_radical_line():
    x, y = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(20, dtype=np.float32))
    diagram = power_diagram(x, y, np.array([[5.0, 10.0], [35.0, 10.0]]), np.array([9.0, 3.0]), 30.0)
    line = 20 + (9**2 - 3**2) / (2 * 30)
    np.testing.assert_array_equal(diagram.label, x > line)
    np.testing.assert_allclose(diagram.border, abs(x - line), atol=1e-3)


def test_points_are_as_dense_as_their_spacing_and_keep_their_distance():
    def nearest(regularity):
        points = scatter(np.random.default_rng(1), (300, 200), 10.0, regularity, 0.0)
        assert len(points) == pytest.approx(600, rel=0.1)
        gaps = np.hypot(*(points[:, None] - points).T)
        return np.quantile(gaps[~np.eye(len(points), dtype=bool)].reshape(len(points), -1).min(axis=1), 0.05)

    assert nearest(1.0) > 8.0 > nearest(0.7) > nearest(0.0)
    # For a Poisson process 5 % of the points have another within this distance
    assert nearest(0.0) == pytest.approx(10 * math.sqrt(-math.log(0.95) / math.pi), abs=0.6)


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_rough_fields_fall_off_as_their_power(alpha):
    drawn = rough(np.random.default_rng(0), (512, 512), alpha, 400.0) * np.hanning(512)[:, None] * np.hanning(512)
    k = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512))
    power = abs(np.fft.rfft2(drawn)) ** 2
    low, high = (power[(k > f) & (k < 1.2 * f)].mean() for f in (0.02, 0.2))
    assert math.log10(low / high) == pytest.approx(alpha, abs=0.2)


def test_fields_are_standard_and_isotropic():
    drawn = field(np.random.default_rng(0), (300, 200), lambda k: np.exp(-((k - 0.5) ** 2) / 0.005))
    assert drawn.mean() == pytest.approx(0, abs=1e-5) and drawn.std() == pytest.approx(1, rel=1e-4)
    assert crossings(drawn > 0, 0) == pytest.approx(crossings(drawn > 0, 1), rel=0.1)


def test_bumps_are_isotropic_and_as_far_apart_as_said():
    found = [bumps(np.random.default_rng(seed), (400, 400), length) > 0 for length in (10.0, 20.0) for seed in (0, 1)]
    along, across = (np.array([crossings(each, axis) for each in found]) for axis in (0, 1))
    np.testing.assert_allclose(along, across, rtol=0.1)
    # Rice: with the spectrum k² exp(-2 k²), in units of 2π / length, the mean of k² is 1, half of it along a line
    np.testing.assert_allclose((along + across) / 2, np.repeat([1 / 10, 1 / 20], 2) * math.sqrt(2), rtol=0.1)


def test_imaging_by_default_adds_nothing_but_a_scale():
    surface = np.random.default_rng(0).uniform(0, 1, (200, 200)).astype(np.float32)
    image = expose(surface, Imaging(brightness=100, contrast=20), np.random.default_rng(0))
    assert image.mean() == pytest.approx(100, abs=0.1) and image.std() == pytest.approx(20, abs=0.1)
    assert np.corrcoef(image.ravel(), surface.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("kind", KINDS)
def test_traits_are_drawn_from_what_is_allowed(kind):
    for name, trait in structures.KINDS[kind].traits.items():
        least, most = trait.limits
        assert least <= trait.low < trait.high <= most and least <= trait.default <= most, name
        assert trait.plain == trait.default or least <= trait.plain <= most or not trait.none, name
    assert Structure(kind).parameters == structures.defaults(kind)
    given = draw_structure(0, kind)
    assert Structure(kind, given.parameters) == given


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: Structure("cell"), "kind: expected one of .*cells.* got 'cell'"),
        (lambda: draw_structure(0, "foam"), "kind: expected one of .* got 'foam'"),
        (lambda: draw_structure(-1), "seed: expected a whole number"),
        (lambda: Structure("cells", {"sise": 3}), "cells: expected one of .*size.* got 'sise'"),
        (
            lambda: Structure("waves", {"fraction": 1.0}),
            "waves: fraction: expected a number from 0.01 to 0.99, got 1.0",
        ),
        (lambda: Structure("cells", {"size": "big"}), "cells: size: expected a number .* got 'big'"),
        (lambda: Structure("cells", {"size": math.nan}), "cells: size: .* got nan"),
        (lambda: picture(Structure("noise"), 1.5), "seed"),
        (lambda: picture(Structure("noise"), 0, (0, 10)), r"size: expected \(height, width\)"),
        (lambda: phase(Structure("noise"), 0), "phase: expected one of pores, cells, waves, fibres, got 'noise'"),
        (lambda: labels(Structure("waves"), 0), "labels: expected one of cells, grains, got 'waves'"),
    ],
)
def test_wrong_arguments(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()
