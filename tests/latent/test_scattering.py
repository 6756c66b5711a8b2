"""Scattering against the plain computation, against waves and noise of known kinds, and its invariances."""

import numpy as np
import pytest
from skimage import data

from nanofoam_lib.latent import scattering

FIRST = np.s_[:20]


def photographs():
    corners = [(0, 0), (128, 200), (256, 64)]
    return np.array([getattr(data, name)()[y : y + 128, x : x + 128]
                     for name in ("brick", "grass", "gravel") for y, x in corners])  # fmt: skip


def second(features):
    """Second order by pair of scales and by turn: dict of (j, j') to (4, )."""
    return dict(zip(scattering.PAIRS, features[20:].reshape(10, 4), strict=True))


def plain_wavelet(j, way, size=128):
    """A Morlet wavelet, written down where it is thought of: in space, its middle at the first pixel."""
    sigma, frequency, angle = 0.8 * 2**j, 3 * np.pi / 4 / 2**j, np.pi * way / 4
    wave, gaussian = np.zeros((2, size, size), complex)
    y, x = np.mgrid[:size, :size]
    for down in (-2 * size, -size, 0, size):
        for across in (-2 * size, -size, 0, size):
            bell = np.exp(-((x + across) ** 2 + (y + down) ** 2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
            wave += bell * np.exp(1j * frequency * ((x + across) * np.cos(angle) + (y + down) * np.sin(angle)))
            gaussian += bell
    return wave - wave.sum() / gaussian.sum() * gaussian


def plain_scatter(image):
    """The definition, at full resolution and in double precision."""
    image = (image - image.mean()) / image.std()
    bank = [[np.fft.fft2(plain_wavelet(j, way)) for way in range(4)] for j in range(5)]

    def modulus(x, j, way):
        return np.abs(np.fft.ifft2(np.fft.fft2(x) * bank[j][way]))

    maps = {(j, way): modulus(image, j, way) for j in range(5) for way in range(4)}
    found = [np.log(maps[j, way].mean()) for j in range(5) for way in range(4)]
    for j in range(5):
        for coarser in range(j + 1, 5):
            for turn in range(4):
                varied = [modulus(maps[j, way], coarser, (way + turn) % 4).mean() for way in range(4)]
                found.append(np.mean([np.log(varied[way] / maps[j, way].mean()) for way in range(4)]))
    return np.array(found)


def test_fewer_pixels_give_what_all_pixels_give():
    images = photographs()
    found = scattering.scatter(images)
    assert found.shape == (9, 60) and found.dtype == np.float32
    expected = np.array([plain_scatter(image) for image in images])
    np.testing.assert_allclose(found, expected, atol=3e-3)
    assert expected.std(axis=0).min() > 0.01  # far above: the tolerance hides nothing that tells images apart


@pytest.mark.parametrize("j", range(5))
@pytest.mark.parametrize("way", range(4))
def test_a_wave_is_found_at_its_scale_and_direction(j, way):
    y, x = np.mgrid[:128, :128]
    across, down = np.rint(128 * 3 / 8 / 2**j * np.array([np.cos(np.pi * way / 4), np.sin(np.pi * way / 4)]))
    wave = np.sin(2 * np.pi * (across * x + down * y) / 128)
    assert scattering.scatter(wave[None])[0, FIRST].argmax() == 4 * j + way


def test_brightness_contrast_and_shifts_change_nothing():
    images = photographs().astype(float)
    features = scattering.scatter(images)
    for same in (2.5 * images + 40, 0.01 * images - 3):
        np.testing.assert_allclose(scattering.scatter(same), features, atol=1e-4)
    # Of a shift by pixels that coarse maps leave out, only rounding and what every eighth pixel misses is left
    np.testing.assert_allclose(scattering.scatter(np.roll(images, (8, 40), axis=(1, 2))), features, atol=1e-4)
    np.testing.assert_allclose(scattering.scatter(np.roll(images, (3, 77), axis=(1, 2))), features, atol=5e-3)


def test_a_quarter_turn_exchanges_directions_alone():
    images = photographs()
    features, turned = scattering.scatter(images), scattering.scatter(np.rot90(images, axes=(1, 2)))
    np.testing.assert_allclose(turned[:, 20:], features[:, 20:], atol=5e-3)
    swapped = features[:, FIRST].reshape(-1, 5, 4)[..., [2, 3, 0, 1]].reshape(-1, 20)
    np.testing.assert_allclose(turned[:, FIRST], swapped, atol=5e-3)


def test_the_second_order_tells_noise_that_swells_from_noise_that_does_not():
    """Noise times a slow wave has, on average, the spectrum of noise, but its strength varies at that wave's scale."""
    noise = np.random.default_rng(0).normal(size=(12, 128, 128))
    swelling = noise * (1 + 0.6 * np.sin(2 * np.pi * 3 * np.arange(128) / 128))  # 43 pixels long: j' = 4, along x
    even, varied = (scattering.scatter(images).mean(axis=0) for images in (noise, swelling))
    np.testing.assert_allclose(varied[:12], even[:12], atol=0.12)  # the scales that are finer than the swelling
    gains = {pair: values - second(even)[pair] for pair, values in second(varied).items()}
    assert (gains[0, 4] > 0.3).all()  # of all l, so at each turn
    assert (np.abs(gains[0, 1]) < 0.1).all()


def test_the_turn_of_the_second_order_is_relative():
    """Fine waves that swell along their own direction, or across it, whatever that direction is."""
    y, x = np.mgrid[:128, :128]
    found = {}
    for name, slow in {"own": x, "crests": y}.items():
        waves = np.sin(2 * np.pi * 48 * x / 128) * (1 + 0.8 * np.sin(2 * np.pi * 6 * slow / 128))
        for image in (waves, waves.T):
            found.setdefault(name, []).append(scattering.scatter(image[None])[0])
    for one, other in found.values():
        np.testing.assert_allclose(one[20:], other[20:], atol=5e-3)
    own, crests = (second(pair[0])[0, 3] for pair in found.values())
    assert own.argmax() == 0 and crests.argmax() == 2


def test_an_image_without_contrast_gives_finite_numbers():
    (features,) = scattering.scatter(np.full((1, 128, 128), 7, np.uint8))
    np.testing.assert_allclose(features[FIRST], np.log(1e-5), rtol=1e-6)
    np.testing.assert_array_equal(features[20:], 0)


def test_each_image_is_described_by_itself():
    images = photographs()
    np.testing.assert_array_equal(scattering.scatter(images)[2:4], scattering.scatter(images[2:4]))


def test_wavelets_have_no_mean_and_peak_at_their_frequency():
    for j in range(1, 5):
        bank = scattering.wavelets(128, 128, j)
        np.testing.assert_allclose(bank[:, 0, 0], 0, atol=1e-6)
        row, column = np.unravel_index(bank[0].argmax(), (128, 128))
        assert row == 0 and column == pytest.approx(48 / 2**j, rel=0.05, abs=0.5)


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        scattering.scatter(np.zeros((1, 100, 128)))
