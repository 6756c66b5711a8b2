"""The size of a pixel as each maker writes it: files built byte by byte from the published layouts, texts beside."""

import fractions
import struct

import numpy as np
import pytest
import tiffs
from folders import foam, folder, rows, save, write
from PIL import Image
from tiffs import page, tag, text

from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.images import checking, pixel_sizes, preprocessing, sources

GREY = foam(0)  # 200×150
UM = 0.27


def resolution(per_unit, unit, per_unit_y=None):
    pairs = [fractions.Fraction(value).limit_denominator(50_000) for value in (per_unit, per_unit_y or per_unit)]
    values = [(pair.numerator, pair.denominator) for pair in pairs]
    return tag(282, 5, values[0]), tag(283, 5, values[1]), tag(296, 3, unit)


def fei(width=200, section="Scan", metres=UM * 1e-6):
    return (
        f"[User]\r\nDate=01/02/2020\r\n[System]\r\nType=SEM\r\n[Beam]\r\nHV=10000\r\n"
        f"[{section}]\r\nInternalScan=true\r\nDwelltime=3e-006\r\nPixelWidth={metres:.6e}\r\nPixelHeight={metres:.6e}\r\n"
        f"HorFieldsize={metres * width:.6e}\r\n[Image]\r\nResolutionX={width}\r\nResolutionY=150\r\n"
    )


def zeiss(size="270 nm", store="200 * 150"):
    names = [
        ("AP_MAG", "Mag =  7.00 K X"), ("AP_WD", "WD =  5.1 mm"), ("AP_PIXEL_SIZE", f"Pixel Size = {size}"),
        ("AP_IMAGE_PIXEL_SIZE", f"Image Pixel Size = {size}"), ("AP_WIDTH", "Width = 54.00 µm"),
        ("DP_IMAGE_STORE", f"Store resolution = {store}"), ("SV_FILE_NAME", "File Name = foam_01.tif"),
    ]  # fmt: skip
    return ("0\r\n0\r\n" + "\r\n".join(f"{key}\r\n{value}" for key, value in names)).encode("latin-1")


def ome(size, unit, prefix=""):
    unit = f' PhysicalSizeXUnit="{unit}" PhysicalSizeYUnit="{unit}"' if unit else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{prefix}OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<{prefix}Image ID="Image:0"><{prefix}Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="200" '
        f'SizeY="150" SizeC="1" SizeZ="1" SizeT="1" PhysicalSizeX="{size}" PhysicalSizeY="{size}"{unit}><TiffData/>'
        f"</{prefix}Pixels></{prefix}Image></{prefix}OME>"
    )


def imagej(unit):
    return text(270, f"ImageJ=1.53t\nimages=1\nunit={unit}\nmin=0.0\nmax=255.0\n")


def lsm():
    """CZ_LSMINFO: a magic number, its size, dimensions, and voxel sizes in metres at byte 40."""
    content = struct.pack("<II6i3i", 0x00400494C, 500, 200, 150, 1, 1, 1, 1, 0, 0, 0)[:40]
    return content.ljust(40, b"\0") + struct.pack("<3d", UM * 1e-6, UM * 1e-6, 1e-6) + bytes(500 - 64)


TAGS = {
    "FEI": ([text(34682, fei())], "FEI tag"),
    "FEI, older": ([text(34680, fei())], "FEI tag"),
    "FEI, environmental": ([text(34682, fei(section="EScan"))], "FEI tag"),
    "FEI, saved at half the width": ([text(34682, fei(width=400, metres=UM / 2 * 1e-6))], "FEI tag"),
    "Zeiss": ([text(34118, zeiss(), 7)], "Zeiss tag"),
    "Zeiss, as bytes": ([tag(34118, 1, zeiss())], "Zeiss tag"),
    "Zeiss, in µm": ([text(34118, zeiss("0.27 µm"), 7)], "Zeiss tag"),
    "Zeiss, saved at half the width": ([text(34118, zeiss("135.0 nm", "400 * 300"), 7)], "Zeiss tag"),
    "ImageJ": ([imagej("micron"), *resolution(1 / UM, 1)], "ImageJ"),
    "ImageJ, µ escaped": ([imagej("\\u00B5m"), *resolution(1 / UM, 1)], "ImageJ"),
    "ImageJ, nm": ([imagej("nm"), *resolution(1 / UM / 1000, 1)], "ImageJ"),
    "ImageJ, mm": ([imagej("mm"), *resolution(1000 / UM, 1)], "ImageJ"),
    "OME in nm": ([text(270, ome(270, "nm"))], "OME-XML"),
    "OME in µm": ([text(270, ome(UM, "µm"))], "OME-XML"),
    "OME in mm": ([text(270, ome(UM / 1000, "mm"))], "OME-XML"),
    "OME without a unit": ([text(270, ome(UM, None))], "OME-XML"),
    "OME with a prefix": ([text(270, ome(UM, "µm", "ome:"))], "OME-XML"),
    "per centimetre": (resolution(1e4 / UM, 3), "resolution tag"),
    "per inch": (resolution(25_400 / UM, 2), "resolution tag"),
    "LSM": ([text(34412, lsm(), 1)], "microscope's metadata"),
}


def found(path):
    with sources.opened(path, 100) as (picture,):
        return picture.pixel_size


@pytest.mark.parametrize(("name", "order"), [(name, o) for name in TAGS for o in "<>" if (name, o) != ("LSM", ">")])
def test_each_maker_s_tags_give_the_size(tmp_path, name, order):
    tags, source = TAGS[name]
    thumbnail = [page(GREY[::2, ::2], tag(254, 4, 1))] * (name == "LSM")  # which every LSM has
    size = found(tiffs.write(tmp_path / "a.tif", page(GREY, *tags), *thumbnail, order=order))
    assert size.um == pytest.approx(UM, rel=1e-5)
    assert (size.source, size.remark) == (source, "")


NO_SIZE = {
    "nothing": [],
    "72 dpi": resolution(72, 2),
    "96 dpi": resolution(96, 2),
    "300 dpi": resolution(300, 2),
    "118 per centimetre": resolution(118, 3),
    "no unit": resolution(1 / UM, 1),
    "zero": resolution(0, 2),
    "ImageJ in pixels": [imagej("pixel"), *resolution(1 / UM, 1)],
    "OME in pixels": [text(270, ome(1, "pixel"))],
    "OME of size 0": [text(270, ome(0, "µm"))],
    "FEI without a scan": [text(34682, "[User]\r\nDate=01/02/2020\r\n")],
    "Zeiss of junk": [text(34118, bytes(range(256)), 7)],
    "description of junk": [text(270, "<OME " + "<Pixels" * 1000)],
}


@pytest.mark.parametrize("name", NO_SIZE)
def test_what_is_no_size_of_a_micrograph_s_pixel_is_none(tmp_path, name):
    size = found(tiffs.write(tmp_path / "a.tif", page(GREY, *NO_SIZE[name])))
    assert np.isnan(size.um) and size.source == "" and size.remark == ""


def test_pixels_that_are_no_squares_are_said_and_not_used(tmp_path):
    size = found(tiffs.write(tmp_path / "a.tif", page(GREY, *resolution(1e4 / UM, 3, 2e4 / UM))))
    assert np.isnan(size.um)
    assert "pixels of 0.27×0.135 µm (resolution tag), which are no squares" in size.remark


def test_the_microscope_goes_before_the_paper(tmp_path):
    """An FEI file may carry a resolution in inches, of the screen or a print."""
    size = found(tiffs.write(tmp_path / "a.tif", page(GREY, text(34682, fei()), *resolution(25_400, 2))))
    assert (size.um, size.source) == (UM, "FEI tag")


def test_png_and_jpeg_tell_it_by_their_resolution(tmp_path):
    for name, options in (("a.png", {}), ("a.bmp", {})):
        save(GREY, tmp_path / name, dpi=(25_400 / UM, 25_400 / UM), **options)
        assert found(tmp_path / name).um == pytest.approx(UM, rel=1e-3)
    for name in ("b.png", "b.jpg"):
        save(GREY, tmp_path / name, dpi=(96, 96))
        assert np.isnan(found(tmp_path / name).um)


BESIDE = {
    "JEOL": (".txt", "$CM_FORMAT JEOL-SEM\r\n$CM_MAG 700\r\n$$SM_MICRON_BAR 185\r\n$$SM_MICRON_MARKER 50um\r\n"
                     "$CM_FULL_SIZE 200 150\r\n", 50 / 185, "JEOL text file"),
    "JEOL, in nm": (".txt", "$$SM_MICRON_BAR 100\r\n$$SM_MICRON_MARKER 500nm\r\n", 0.005, "JEOL text file"),
    "JEOL, µ in Latin-1": (".txt", "$$SM_MICRON_BAR 100\r\n$$SM_MICRON_MARKER 5\xb5m\r\n".encode("latin-1"), 0.05,
                           "JEOL text file"),
    "JEOL, saved at half the width": (".txt", "$$SM_MICRON_BAR 370\n$$SM_MICRON_MARKER 50um\n$CM_FULL_SIZE 400 300\n",
                                      50 / 185, "JEOL text file"),
    "Hitachi": (".txt", "[SemImageFile]\r\nInstructName=SU8000\r\nPixelSize=270.0\r\nMagnification=700\r\n"
                        "DataSize=200x150\r\n", UM, "Hitachi text file"),
    "Hitachi, UTF-16": (".TXT", "[SemImageFile]\r\nPixelSize=270\r\nDataSize=200x150\r\n".encode("utf-16"), UM,
                        "Hitachi text file"),
    "TESCAN": (".hdr", "[MAIN]\r\nPixelSizeX=2.7e-007\r\nPixelSizeY=2.7e-007\r\n", UM, "TESCAN header file"),
    "TESCAN, by its type": ("-tif.hdr", "[MAIN]\nPixelSizeX=2.7e-07\nPixelSizeY=2.7e-07\n", UM, "TESCAN header file"),
    "notes": (".txt", "taken on Monday; PixelSize=270\r\n", None, ""),
    "nothing": (".txt", "", None, ""),
    "bytes": (".txt", bytes(range(256)), None, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_texts_beside_an_image_give_the_size(tmp_path, name):
    ending, content, um, source = BESIDE[name]
    save(GREY, tmp_path / "foam.tif")
    (tmp_path / f"foam{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    size = found(tmp_path / "foam.tif")
    assert size.source == source
    assert np.isnan(size.um) if um is None else size.um == pytest.approx(um, rel=1e-5)


def of_size(um):
    def change(path, grey):
        tiffs.write(path, page(grey, text(34682, fei(metres=um * 1e-6))))

    return change


def sem_folder(root, sizes):
    """A folder of FEI files: class → pixel size."""
    for label, um in sizes.items():
        for i in range(4):
            of_size(um)(root / label / f"{label}_{i}.tif", foam(i + 10 * (label == "CuNi2")))
    return root


def test_the_table_goes_before_the_parameter_and_that_before_the_file(tmp_path):
    root = sem_folder(tmp_path / "d", {"CuNi1": UM, "CuNi2": UM})
    table = [row if i else [*row[:3], "540 nm"] for i, row in enumerate(rows(root))][:1]
    write(root, table)
    index = checking.check(root, n_jobs=1).index
    assert index["pixel_size_um"].tolist() == [0.54] + [UM] * 7
    assert index["pixel_size_from"].tolist() == ["metadata.csv"] + ["FEI tag"] * 7
    seen = checking.check(root, n_jobs=1, pixel_size_um=1.0)
    assert seen.index["pixel_size_um"].tolist() == [0.54] + [1.0] * 7
    assert any(
        "metadata.csv gives 0.54 µm per pixel, the file 0.27 µm (FEI tag): the former is taken" in s for s in seen.said
    )
    assert any("pixel_size_um gives 1 µm per pixel, the file 0.27 µm" in said for said in seen.said)


def test_check_shows_what_was_found_and_that_it_goes_with_the_class(tmp_path):
    found = checking.check(sem_folder(tmp_path / "d", {"CuNi1": UM, "CuNi2": UM / 2}), n_jobs=1)
    assert "pixel size of 4 images, from FEI tag: 0.27 µm" in found.facts
    assert "pixel size of 4 images, from FEI tag: 0.135 µm" in found.facts
    assert any(
        "they go with the class (CuNi1 0.27, CuNi2 0.135), which can then be told by them alone" in s
        for s in found.said
    )
    assert any("all micrographs are shown at one scale" in said for said in found.said)
    assert checking.classes(found)["µm per pixel"].tolist() == ["0.27", "0.135"]


def test_sizes_that_differ_by_rounding_alone_are_the_same(tmp_path):
    found = checking.check(sem_folder(tmp_path / "d", {"CuNi1": UM, "CuNi2": 0.2703}), n_jobs=1)
    assert not [said for said in found.said if "pixel sizes" in said]


def test_lengths_of_the_index_follow_from_the_files(tmp_path):
    index, _ = preprocessing.process(
        sem_folder(tmp_path / "d", {"CuNi1": UM, "CuNi2": UM}), tmp_path / "i.npy", n_jobs=1
    )
    assert index["um_x"].to_numpy() == pytest.approx(UM * 140 / 128)
    assert index["um_y"].to_numpy() == pytest.approx(UM * 106 / 128)


def test_a_text_beside_an_image_is_looked_at_and_another_is_not(tmp_path):
    root = folder(tmp_path / "d")
    (root / "CuNi1" / "CuNi1_0.txt").write_text("[SemImageFile]\nPixelSize=270\nDataSize=200x150\n")
    (root / "CuNi1" / "notes.txt").write_text("Monday")
    said = checking.check(root, n_jobs=1).said
    assert [text for text in said if "not looked at" in text] == ["not looked at: CuNi1/notes.txt (.txt)"]


def test_alike_gathers_sizes_by_the_least(rng):
    sizes = np.array([1.0, 1.009, 2.0, np.nan, 1.011])
    np.testing.assert_array_equal(pixel_sizes.alike(sizes), [1.0, 1.0, 2.0, np.nan, 1.011])
    assert pixel_sizes.alike([]).shape == (0,)


def test_a_picture_of_the_screen_is_no_micrograph_s_scale(tmp_path):
    """Pillow writes what it is told; whoever exports for print gets 600 dpi, 42 µm."""
    Image.fromarray(GREY).save(tmp_path / "a.tif", dpi=(600, 600))
    assert np.isnan(found(tmp_path / "a.tif").um)
    with pytest.warns(RunWarning, match="pixel_size_um gives 1 µm"):
        preprocessing.process(
            sem_folder(tmp_path / "d", {"CuNi1": UM, "CuNi2": UM}), tmp_path / "i.npy", pixel_size_um=1.0
        )
