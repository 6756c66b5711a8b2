"""What a TIFF says of its own pixels: each kind is read as the same picture as its plain twin, or refused by name."""

import struct
import zlib

import numpy as np
import pytest
import tiffs
from folders import foam, folder, save
from PIL import Image
from tiffs import page, tag

from nanofoam_lib.base.errors import DataError, RunWarning
from nanofoam_lib.images import checking, formats, micrographs, preprocessing, sources

odd = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")

GREY = foam(0)
DEEP = GREY.astype(np.uint16) * 257


def colours(grey):
    return np.stack([grey, grey // 2, 255 - grey], axis=-1)


def luma(grey):
    red, green, blue = np.moveaxis(colours(grey).astype(float), -1, 0)
    return np.rint(0.299 * red + 0.587 * green + 0.114 * blue)


GREY_RAMP = tag(320, 3, *(level * 257 for _ in range(3) for level in range(256)))
RAMP_OF_8_BITS = tag(320, 3, *(level for _ in range(3) for level in range(256)))
ORIENTATIONS = {
    1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1], 5: GREY.T, 6: np.rot90(GREY),
    7: GREY[::-1, ::-1].T, 8: np.rot90(GREY, -1),
}  # fmt: skip

SAME = {
    "plain": [page(GREY)],
    "white is zero": [page(255 - GREY, photometric=0)],
    "white is zero, deflate": [page(255 - GREY, photometric=0, compression=8, encode=zlib.compress)],
    "white is zero, 16 bits": [page(65535 - DEEP, photometric=0)],
    "white is zero, two samples": [page(np.stack([255 - GREY, GREY], -1), photometric=0, samples=2)],
    "16 bits": [page(DEEP)],
    "16 bits, deflate": [page(DEEP, compression=8, encode=zlib.compress)],
    "16 bits, two samples": [page(np.stack([DEEP, np.full_like(DEEP, 65535)], -1), tag(338, 3, 2), samples=2)],
    "16 bits, two planes of samples": [page(np.stack([DEEP, DEEP // 2]), samples=2, planar=2)],
    "12 of 16 bits": [page((GREY.astype(np.uint32) * 4095 // 255).astype(np.uint16))],
    "12 bits, packed": [page(tiffs.twelve_bits(DEEP >> 4), tag(256, 4, GREY.shape[1]), bits=12)],
    "32 bits": [page(DEEP.astype(np.uint32))],
    "pack bits": [page(GREY, compression=32773, encode=tiffs.pack_bits)],
    "grey palette": [page(GREY, GREY_RAMP, photometric=3)],
    "palette of 8 bits": [page(GREY, RAMP_OF_8_BITS, photometric=3)],
    "thumbnail first": [page(GREY[::5, ::5], tag(254, 4, 1)), page(GREY, tag(254, 4, 0))],
    "thumbnail first, not called one": [page(GREY[::5, ::5]), page(GREY)],
    "mask of the same size first": [page(GREY // 200, tag(254, 4, 4)), page(GREY)],
}
LUMA = {
    "colour": [page(colours(GREY), samples=3, photometric=2)],
    "planes of colours": [page(np.moveaxis(colours(GREY), -1, 0), samples=3, photometric=2, planar=2)],
    "colour of 16 bits": [page(colours(GREY).astype(np.uint16) * 257, samples=3, photometric=2)],
    "planes of colours of 16 bits": [
        page(np.moveaxis(colours(GREY).astype(np.uint16) * 257, -1, 0), samples=3, photometric=2, planar=2)
    ],
}


@odd
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("name", SAME)
def test_reads_as_the_plain_twin(tmp_path, name, order, big):
    path = tiffs.write(tmp_path / "a.tif", *SAME[name], order=order, big=big)
    assert abs(micrographs.read(path).astype(int) - GREY).max() <= 1
    colour = micrographs.read_colour(path, 200)
    assert abs(colour.astype(int) - GREY[..., None]).max() <= 1  # a thumbnail of any kind can be drawn
    if "white is zero" not in name and "12" not in name:
        np.testing.assert_array_equal(micrographs.read(path), GREY)


@pytest.mark.parametrize("name", LUMA)
def test_colours_become_luma(tmp_path, name):
    read = micrographs.read(tiffs.write(tmp_path / "a.tif", *LUMA[name]))
    assert abs(read - luma(GREY)).max() <= 1


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("deep", [False, True])
def test_orientation_is_applied_once(tmp_path, orientation, deep):
    stored = np.ascontiguousarray(ORIENTATIONS[orientation])
    stored = stored.astype(np.uint16) * 257 if deep else stored
    path = tiffs.write(tmp_path / "a.tif", page(stored, tag(274, 3, orientation)))
    np.testing.assert_array_equal(micrographs.read(path), GREY)
    assert micrographs.read_colour(path, 100).shape == (75, 100, 3)


@pytest.mark.parametrize(
    "levels",
    [
        (GREY.astype(np.int16) - 128) * 200, GREY.astype(np.int8) // 2 - 60, GREY.astype(np.int32) * 1000 - 7,
        GREY * np.float32(3.7) - 20, GREY.astype(np.float64) / 255, GREY.astype(np.float64) * 1e-9,
    ],
    ids=["int16", "int8", "int32", "float32", "float64", "small"],
)  # fmt: skip
def test_signed_and_floating_point_levels_are_stretched_between_their_quantiles(tmp_path, levels):
    """Order and proportions stay; 0.35 % of the pixels at each end may be clipped."""
    read = micrographs.read(tiffs.write(tmp_path / "a.tif", page(levels))).astype(float)
    low, high = np.quantile(levels, [0.0035, 0.9965], method="inverted_cdf")
    expected = np.clip((levels.astype(float) - low) / (float(high) - low) * 255, 0, 255)
    assert abs(read - expected).max() <= 0.51
    assert read.min() == 0 and read.max() == 255


def test_white_is_zero_turns_signed_and_floating_point_levels(tmp_path):
    for levels in (GREY.astype(np.int16), GREY.astype(np.float32)):
        plain, turned = (
            micrographs.read(tiffs.write(tmp_path / f"{kind}.tif", page(levels, photometric=kind))) for kind in (1, 0)
        )
        np.testing.assert_array_equal(turned, 255 - plain)


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_lzw_makes_no_difference(tmp_path, white_is_zero, deep):
    stored = DEEP if deep else GREY
    stored = np.iinfo(stored.dtype).max - stored if white_is_zero else stored
    Image.fromarray(stored).save(tmp_path / "a.tif", compression="tiff_lzw")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    at = content.index(struct.pack("<HHI", 262, 3, 1)) + 8  # Pillow writes black-is-zero
    content[at : at + 2] = struct.pack("<H", 0 if white_is_zero else 1)
    (tmp_path / "a.tif").write_bytes(content)
    assert abs(micrographs.read(tmp_path / "a.tif").astype(int) - GREY).max() <= 1


def test_what_is_no_number_is_black(tmp_path):
    levels = GREY.astype(np.float32)
    levels[0, :3] = np.nan, np.inf, -np.inf
    read = micrographs.read(tiffs.write(tmp_path / "a.tif", page(levels)))
    assert read[0, :3].tolist() == [0, 255, 0]
    assert len(np.unique(read)) > 70


def test_lab_and_bilevel(tmp_path):
    lab = np.stack([GREY, np.zeros_like(GREY), np.zeros_like(GREY)], -1)
    np.testing.assert_array_equal(
        micrographs.read(tiffs.write(tmp_path / "lab.tif", page(lab, samples=3, photometric=8))), GREY
    )
    dark = GREY < 120
    bits = page(np.packbits(dark, axis=1), tag(256, 4, GREY.shape[1]), photometric=0, bits=1)
    np.testing.assert_array_equal(micrographs.read(tiffs.write(tmp_path / "bits.tif", bits)), np.where(dark, 0, 255))


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        (page(GREY, compression=33005), r"JPEG 2000 \(33005\).*'nanofoam\[codecs\]'.*uncompressed or with LZW"),
        (page(GREY, compression=22610), r"JPEG XR \(22610\)"),
        (page(GREY, compression=50002), r"JPEG XL \(50002\)"),
        (page(GREY, compression=65500), r"an unknown method \(65500\)"),
        (page(GREY.astype(np.complex64).view(np.uint64), kind=6), "complex"),
        (page(DEEP, photometric=32803), "raw data of a sensor"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, pages, message):
    with pytest.raises(DataError, match=message) as caught:
        micrographs.read(tiffs.write(tmp_path / "a.tif", pages))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("array", [GREY, DEEP, GREY.astype(np.float32)], ids=["8", "16", "float"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, array):
    """Its directory stands before the pixels, so that only these are missing."""
    path = tmp_path / "a.tif"
    Image.fromarray(array).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - array.nbytes // 2])
    with pytest.raises(DataError, match=r"a\.tif"):
        micrographs.read(path)


# ---------------------------------------------------------------- planes


def planes(seed, n=4):
    return [foam(seed + 50 + k) for k in range(n)]


def write_stack(path, own, way):
    """Write planes as pages, or as ImageJ does large ones: one directory, the others after the first's pixels."""
    if way == "pages":
        return tiffs.write(path, *map(page, own))
    description = f"ImageJ=1.53t\nimages={len(own)}\nslices={len(own)}\nunit=micron\nspacing=0.5\nloop=false\n"
    following = b"".join(plane.astype(plane.dtype.newbyteorder(">")).tobytes() for plane in own[1:])
    return tiffs.write(path, page(own[0], tiffs.text(270, description)), order=">", after=following)


@pytest.mark.parametrize("way", ["pages", "imagej"])
@pytest.mark.parametrize("deep", [False, True])
def test_planes_are_taken_as_asked(tmp_path, way, deep):
    own = [plane.astype(np.uint16) * 257 if deep else plane for plane in planes(0)]
    path = write_stack(tmp_path / "a.tif", own, way)
    expected = {"first": own[0], "max": np.max(own, axis=0), "mean": np.rint(np.mean(own, axis=0)), "2": own[2]}
    for plane, levels in expected.items():
        with sources.opened(path, 100) as (picture,):
            assert picture.planes == 4
            np.testing.assert_array_equal(picture.flatten(plane), levels)
    with pytest.warns(RunWarning, match=r"more than one page or frame, of which the first is read \(-p stack=max"):
        np.testing.assert_array_equal(micrographs.read(path), own[0] // (257 if deep else 1))


def test_the_brightest_plane_of_white_is_zero_is_the_lowest(tmp_path):
    path = tiffs.write(
        tmp_path / "a.tif", *(page(65535 - plane.astype(np.uint16) * 257, photometric=0) for plane in planes(0))
    )
    read, _ = sources.Source(path, plane="max").grey()
    assert abs(read.astype(int) - np.max(planes(0), axis=0)).max() <= 1


def test_each_plane_becomes_an_image_of_its_file_s_group(tmp_path):
    root, stacks = tmp_path / "d", {}
    for label in ("CuNi1", "CuNi2"):
        for i in range(2):
            stacks[f"{label}/{i}.tif"] = planes(100 * i + 1000 * (label == "CuNi2"), 3)
            write_stack(root / label / f"{i}.tif", stacks[f"{label}/{i}.tif"], "pages")
    index, bad = preprocessing.process(root, tmp_path / "images.npy", stack="each")
    images = np.load(tmp_path / "images.npy")
    assert len(bad) == 0 and len(index) == 12
    assert index.groupby("path")["group"].nunique().eq(1).all() and index["group"].nunique() == 4
    assert index["plane"].tolist() == ["0", "1", "2"] * 4
    for row, source in zip(index.itertuples(), sources.of_index(root, index), strict=True):
        own = stacks[row.path][int(row.plane)]
        np.testing.assert_array_equal(images[row.id], micrographs.preprocess(own))
        np.testing.assert_array_equal(source.grey()[0], own)
    with pytest.warns(RunWarning, match="more than one page"):
        assert len(preprocessing.process(root, tmp_path / "images.npy")[0]) == 4


def test_planes_of_several_sizes_are_those_of_the_largest(tmp_path):
    path = tiffs.write(tmp_path / "a.tif", page(GREY[:50, :60]), page(GREY), page(GREY[::-1]), page(GREY[::2, ::2]))
    with sources.opened(path, 100) as (picture,):
        assert picture.planes == 2
        np.testing.assert_array_equal(picture.flatten("1"), GREY[::-1])


def test_a_description_that_promises_more_planes_than_there_are_is_not_believed(tmp_path):
    description = tiffs.text(270, "ImageJ=1.53t\nimages=900\nslices=900\n")
    path = tiffs.write(tmp_path / "a.tif", page(GREY, description), after=GREY.tobytes())
    with sources.opened(path, 100) as (picture,):
        assert picture.planes == 2
        np.testing.assert_array_equal(picture.flatten("max"), GREY)


def test_an_ome_tiff_opens_no_other_file(tmp_path):
    """Its description may name further files, anywhere."""
    tiffs.write(tmp_path / "secret.tif", page(255 - GREY))
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"><Image>'
        '<Pixels DimensionOrder="XYZCT" Type="uint8" SizeX="200" SizeY="150" SizeC="1" SizeZ="2" SizeT="1">'
        '<TiffData IFD="0" FirstZ="0"><UUID FileName="secret.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    path = tiffs.write(tmp_path / "a.ome.tif", page(GREY, tiffs.text(270, xml)))
    np.testing.assert_array_equal(micrographs.read(path), GREY)


# ---------------------------------------------------------------- folders


def check(root, **options):
    return checking.check(root, n_jobs=1, **options)


@odd
def test_transparent_corners_are_no_pores(tmp_path):
    """A picture that was turned, over black: the corners get the grey of the walls, and that is said."""

    def turned(grey, label):
        return np.asarray(Image.fromarray(grey).convert("RGBA").rotate(35, expand=True))

    found = check(folder(tmp_path / "d", change=turned), crop=0)
    assert any("transparent pixels, which are shown in the median grey" in said for said in found.said)
    read = np.asarray(micrographs.read(tmp_path / "d" / "CuNi1" / "CuNi1_0.png"))
    assert read[0, 0] == np.median(foam(0, radius=8)[10:-10, 10:-10]) or abs(int(read[0, 0]) - 190) < 10
    assert (read[:20, :20] == read[0, 0]).all()


@odd
def test_a_palette_png_with_one_transparent_colour_hides_that_alone(tmp_path):
    palette = np.where(GREY < 120, 0, 1).astype(np.uint8)
    image = Image.fromarray(palette).convert("P")
    image.putpalette([0, 0, 0, 200, 200, 200] + [0] * 762)
    image.save(tmp_path / "a.png", transparency=0)
    assert (micrographs.read(tmp_path / "a.png") == 200).all()


@pytest.mark.parametrize("hot", ["pixel", "bar", "overlay"])
def test_white_does_not_hang_on_the_brightest_pixel(tmp_path, hot):
    """12-bit data with one hot pixel, with letters of a data bar, or with a scale bar in the picture, all of 65535."""

    def change(grey, label):
        deep = grey.astype(np.uint16) * 16
        if hot == "pixel":
            deep[75, 100] = 65535
        elif hot == "overlay":
            deep[100:102, 90:130] = 65535
        else:
            strip = np.zeros((20, deep.shape[1]), np.uint16)
            strip[6:14, 10:150:4] = 65535
            deep = np.concatenate([deep, strip])
        return deep

    root = folder(tmp_path / "d", suffix=".tif", change=change)
    index, _ = preprocessing.process(root, tmp_path / "images.npy", n_jobs=1)
    assert (index["white"] == 4095).all() and (index["height"] == 150).all()
    preprocessing.process(folder(tmp_path / "p"), tmp_path / "plain.npy", n_jobs=1)
    difference = abs(np.load(tmp_path / "images.npy").astype(int) - np.load(tmp_path / "plain.npy"))
    assert np.quantile(difference, 0.98) <= 1  # 255 · 16 is not 4095
    assert any("4095 is white" in fact for fact in check(root).facts)


@odd
@pytest.mark.parametrize("factor", [16, 15, 8, 100])
def test_a_class_of_8_bits_and_one_of_more_come_out_alike(tmp_path, factor):
    """The same pictures (but for their pores), saved with 8 bits and with more: brightness must not tell the class."""

    def change(grey, label):
        return grey if label == "CuNi1" else grey.astype(np.uint16) * factor

    root = folder(tmp_path / "d", suffix=".tif", change=change)
    found = check(root)
    assert any(said.startswith("mixed bit depths (8-bit, 16-bit)") for said in found.said)
    index, _ = preprocessing.process(root, tmp_path / "images.npy", n_jobs=1)
    images = np.load(tmp_path / "images.npy")
    walls = [np.quantile(images[index["label"] == label], 0.9) for label in ("CuNi1", "CuNi2")]
    assert abs(walls[0] - walls[1]) <= 4


@odd
def test_several_kinds_of_levels_in_a_folder_each_have_a_scale_and_meet_in_grey(tmp_path):
    kinds = [np.uint8, np.uint16, np.int16, np.float32]
    for label in ("CuNi1", "CuNi2"):
        for i, kind in enumerate(kinds):
            grey = foam(i + 100 * (label == "CuNi2"))
            levels = (
                grey
                if kind == np.uint8
                else grey.astype(np.uint16) * 257
                if kind == np.uint16
                else grey.astype(kind) * 3 - 9
            )
            tiffs.write(tmp_path / "d" / label / f"{i}.tif", page(levels))
    index, _ = preprocessing.process(tmp_path / "d", tmp_path / "images.npy", n_jobs=1)
    assert index["levels"].tolist() == ["8-bit", "16-bit", "signed", "floating-point"] * 2
    for row, source in zip(index.itertuples(), sources.of_index(tmp_path / "d", index), strict=True):
        expected = foam(row.id % 4 + 100 * (row.id > 3))
        assert abs(source.grey()[0].astype(int) - expected).max() <= 3


def test_8_bit_pictures_without_a_bar_come_out_to_the_bit_as_before(tmp_path):
    """What the thesis does to a picture, written out: crop 15 %, resize with the triangle filter."""
    root = folder(tmp_path / "d")
    index, _ = preprocessing.process(root, tmp_path / "images.npy", n_jobs=1)
    for row, image in zip(index.itertuples(), np.load(tmp_path / "images.npy"), strict=True):
        with Image.open(root / row.path) as picture:
            kept = picture.crop((30, 22, 170, 128))
            np.testing.assert_array_equal(image, np.asarray(kept.resize((128, 128), Image.Resampling.BILINEAR)))
    assert (index["bar"] == "").all() and (index["white"] == 255).all() and (index["levels"] == "8-bit").all()


def test_links_out_of_the_folder_stay_refused_beside_images_too(tmp_path):
    root = folder(tmp_path / "d")
    (tmp_path / "away.txt").write_bytes(b"[SemImageFile]\r\nPixelSize=270\r\nDataSize=200x150\r\n")
    (root / "CuNi1" / "CuNi1_0.txt").symlink_to(tmp_path / "away.txt")
    (root / "CuNi1" / "CuNi1_1.txt").write_bytes((tmp_path / "away.txt").read_bytes())
    index = check(root).index.set_index("path")
    assert np.isnan(index.loc["CuNi1/CuNi1_0.png", "pixel_size_um"])
    assert index.loc["CuNi1/CuNi1_1.png", "pixel_size_um"] == 0.27


def test_the_limit_on_pixels_counts_before_anything_is_decoded(tmp_path):
    """A head that promises 10 000 megapixels, and no pixels."""
    huge = page(GREY, tag(256, 4, 100_000), tag(257, 4, 100_000))
    with pytest.raises(DataError, match=r"100000×100000 pixels, .*max_megapixels allows 100"):
        micrographs.read(tiffs.write(tmp_path / "a.tif", huge))


def test_suffixes_of_tiff_are_known():
    assert {".tif", ".tiff", ".lsm", ".png", ".jpg", ".jpeg", ".bmp"} <= set(formats.suffixes())


def test_a_plain_file_is_read_in_colour_as_it_is(tmp_path):
    save(colours(GREY), tmp_path / "a.tif")
    np.testing.assert_array_equal(micrographs.read_colour(tmp_path / "a.tif", 200), colours(GREY))
