import numpy as np
import pandas as pd

from nanofoam_lib.images import augmentation


def test_dihedral_gives_the_eight_symmetries_of_the_square():
    image = np.arange(9).reshape(1, 3, 3)
    all_eight = augmentation.dihedral(image.repeat(8, axis=0), range(8))
    np.testing.assert_array_equal(all_eight[0], image[0])
    np.testing.assert_array_equal(all_eight[1], np.rot90(image[0]))
    np.testing.assert_array_equal(all_eight[4], np.fliplr(image[0]))
    assert len({picture.tobytes() for picture in all_eight}) == 8


def test_augment_only_rearranges_pixels():
    images = np.random.default_rng(0).integers(0, 256, (50, 16, 16), dtype=np.uint8)
    augmented = augmentation.augment(images, np.random.default_rng(1))
    assert augmented.dtype == np.uint8
    np.testing.assert_array_equal(np.sort(augmented.reshape(50, -1)), np.sort(images.reshape(50, -1)))
    assert (augmented != images).any()
    assert augmentation.augment(images[..., None], np.random.default_rng(1)).shape == (50, 16, 16, 1)


def test_windows_come_from_everywhere_and_are_pieces_of_their_images():
    image = np.arange(400).reshape(20, 20)
    windows = augmentation.augment(np.repeat(image[None], 500, axis=0), np.random.default_rng(1), 18, (0,))
    assert windows.shape == (500, 18, 18)
    corners = {divmod(int(window[0, 0]), 20) for window in windows}
    assert corners == {(y, x) for y in range(3) for x in range(3)}
    for window in windows[:20]:
        y, x = divmod(int(window[0, 0]), 20)
        np.testing.assert_array_equal(window, image[y : y + 18, x : x + 18])


def test_only_squares_are_turned_by_quarters():
    index = pd.DataFrame({"width": [480, 480], "height": [480, 476], "um_x": np.nan, "um_y": np.nan})
    assert augmentation.symmetries(index) == tuple(range(8))
    assert augmentation.symmetries(index.assign(height=360)) == (0, 2, 4, 6)
    assert augmentation.symmetries(index.assign(height=360, um_x=2.0, um_y=2.0)) == tuple(range(8))
    assert augmentation.symmetries(index.assign(um_x=2.0, um_y=1.5)) == (0, 2, 4, 6)
    image = np.arange(12).reshape(3, 4)[None, :, :3]
    flipped = [augmentation.dihedral(image, [element])[0] for element in augmentation.FLIPS]
    rows = {tuple(sorted(row)) for picture in flipped for row in picture.tolist()}
    assert rows == {(0, 1, 2), (4, 5, 6), (8, 9, 10)}  # what was a row is one still
