"""Files of microscopes. A LIF is written here, from its published layout, and read by the real reader.

Nobody writes the others, whose readers are stood in for: what is tested is what we make of what they tell.
"""

import importlib.util
import struct
import sys
import types

import numpy as np
import pytest
from folders import foam, folder

from nanofoam_lib.base.errors import DataError
from nanofoam_lib.images import checking, formats, micrographs, preprocessing, read_vendor, sources

UM = 0.27
odd = pytest.mark.filterwarnings("ignore::nanofoam_lib.base.errors.RunWarning")


def lif(path, series, bits=8):
    """Write a LIF: XML in UTF-16, then a block of memory for each series, an array (Z, Y, X)."""
    elements, blocks = [], b""
    for number, levels in enumerate(series):
        n_bytes = levels.dtype.itemsize
        sizes = dict(zip("XYZ", levels.shape[::-1], strict=True))
        steps = {"X": n_bytes, "Y": n_bytes * sizes["X"], "Z": n_bytes * sizes["X"] * sizes["Y"]}
        dimensions = "".join(
            f'<DimensionDescription DimID="{"_XYZ".index(axis)}" NumberOfElements="{size}" Origin="0" '
            f'Length="{(size - 1) * UM * 1e-6:.9e}" Unit="m" BitInc="0" BytesInc="{steps[axis]}"/>'
            for axis, size in sizes.items()
        )
        elements.append(
            f'<Element Name="Series{number:03}" Visibility="1" UniqueID="{number}"><Data><Image><ImageDescription>'
            f'<Channels><ChannelDescription DataType="0" ChannelTag="0" Resolution="{bits}" NameOfMeasuredQuantity="" '
            f'Min="0" Max="1" Unit="" LUTName="Gray" IsLUTInverted="0" BytesInc="0" BitInc="0"/></Channels>'
            f"<Dimensions>{dimensions}</Dimensions></ImageDescription>"
            f'<Attachment Name="HardwareSetting"><ATLConfocalSettingDefinition '
            f'ObjectiveName="HC PL FLUOTAR 10x/0.30 DRY"/></Attachment></Image></Data><Memory Size="{levels.nbytes}" '
            f'MemoryBlockID="MemBlock_{number}"/><Children/></Element>'
        )
        name = f"MemBlock_{number}".encode("utf-16-le")
        head = b"\x2a" + struct.pack("<q", levels.nbytes) + b"\x2a" + struct.pack("<i", len(name) // 2) + name
        blocks += struct.pack("<ii", 0x70, len(head)) + head + levels.tobytes()
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="a.lif" Visibility="1" UniqueID="r"><Data/><Memory Size="0" '
        f'MemoryBlockID=""/><Children>{"".join(elements)}</Children></Element></LMSDataContainerHeader>'
    ).encode("utf-16-le")
    head = b"\x2a" + struct.pack("<i", len(xml) // 2) + xml
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<ii", 0x70, len(head)) + head + blocks)
    return path


def test_each_series_of_a_lif_is_a_picture_with_its_size_and_objective(tmp_path):
    stack = np.stack([foam(k) for k in (0, 1, 2)])
    path = lif(tmp_path / "a.lif", [foam(5)[None], stack])
    with sources.opened(path, 100) as (single, deep):
        assert (single.planes, deep.planes) == (1, 3)
        assert (single.width, single.height) == (200, 150)
        np.testing.assert_array_equal(single.flatten("first"), foam(5))
        np.testing.assert_array_equal(deep.flatten("2"), foam(2))
        np.testing.assert_array_equal(deep.flatten("max"), stack.max(axis=0))
        assert single.pixel_size.um == pytest.approx(UM)
        assert single.pixel_size.source == "LIF, objective HC PL FLUOTAR 10x/0.30 DRY"
        assert formats.MORE_PLANES in deep.remarks


def test_a_lif_of_12_bits_is_scaled_as_other_files_are(tmp_path):
    path = lif(tmp_path / "a.lif", [foam(0).astype(np.uint16)[None] * 16], bits=12)
    assert abs(micrographs.read(path).astype(int) - foam(0)).max() <= 1


@odd
def test_every_series_is_an_image_of_the_group_that_its_file_is(tmp_path):
    root = folder(tmp_path / "d")
    for label, seed in (("CuNi1", 20), ("CuNi2", 30)):
        lif(root / label / "more.lif", [foam(seed)[None], foam(seed + 1)[None]])
    index, bad = preprocessing.process(root, tmp_path / "images.npy", um_per_pixel="none", n_jobs=1)
    own = index[index["path"].str.endswith(".lif")]
    assert len(bad) == 0 and len(index) == 12
    assert own["picture"].tolist() == [0, 1, 0, 1]
    assert own["group"].tolist() == own["path"].tolist()
    assert own["pixel_size_um"].to_numpy() == pytest.approx(UM)
    images, raw = np.load(tmp_path / "images.npy"), sources.of_index(root, index)
    for row, seed in zip(own.itertuples(), (20, 21, 30, 31), strict=True):
        np.testing.assert_array_equal(raw[row.id].grey()[0], foam(seed))
        np.testing.assert_array_equal(images[row.id], micrographs.preprocess(foam(seed)))


def test_a_lif_that_is_damaged_is_named(tmp_path):
    path = lif(tmp_path / "a.lif", [foam(0)[None]])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"a\.lif: cannot be decoded"):
        micrographs.read(path)


def test_without_the_extra_one_line_names_it(tmp_path, monkeypatch):
    root = folder(tmp_path / "d")
    for i in range(3):
        lif(root / "CuNi1" / f"{i}.lif", [foam(i)[None]])
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "liffile" else find(name, *rest)
    )
    monkeypatch.setattr(formats, "suffixes", formats.suffixes.__wrapped__)
    found = checking.check(root, n_jobs=1)
    lines = [said for said in found.said if "vendor" in said]
    assert lines == ["CuNi1/0.lif and 2 more: LIF of Leica needs an extra to be read: pip install 'nanofoam[vendor]'"]
    assert len(found.labels) == 8
    with pytest.raises(DataError, match="needs an extra to be read"):
        micrographs.read(root / "CuNi1" / "0.lif")


def test_names_of_the_real_readers_are_those_that_are_used():
    """What stands in for them below must not drift from them."""
    import czifile
    import nd2
    import oiffile

    for owner, names in (
        (czifile.CziFile, ("axes", "shape", "start", "dtype", "filtered_subblock_directory", "asarray", "metadata")),
        (nd2.ND2File, ("sizes", "dtype", "voxel_size", "metadata", "asarray")),
        (oiffile.OifFile, ("series", "shape", "dtype", "asarray", "open_file")),
    ):
        assert all(hasattr(owner, name) for name in names)
        assert hasattr(owner, "__enter__")


class Stand:
    """A reader's file: what was given, and a context."""

    def __init__(self, **what):
        self.__dict__ |= what

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def read(tmp_path, monkeypatch, library, kind, magic, name, stand):
    monkeypatch.setitem(sys.modules, library, types.SimpleNamespace(__spec__=object(), **{kind: lambda path: stand}))
    (tmp_path / name).write_bytes(magic + bytes(100))
    return sources.opened(tmp_path / name, 100)


def test_each_scene_of_a_czi_is_cut_out_of_the_whole(tmp_path, monkeypatch):
    """Two scenes of different sizes lie apart on the stage: axes S (scene), C, Z, Y, X, 0 (samples)."""
    first, second = (
        np.stack([foam(k)[:h, :w] for k in (a, a + 1)]).astype(np.uint16) for a, h, w in ((0, 100, 120), (4, 90, 80))
    )
    whole = np.zeros((2, 2, 2, 150, 400, 1), np.uint16)
    whole[0, 0, :, :100, :120, 0], whole[1, 0, :, 50:140, 300:380, 0] = first * 16, second * 16
    start = (0, 0, 0, 1000, -500, 0)
    entries = [
        types.SimpleNamespace(start=(0, c, z, 1000, -500, 0), shape=(1, 1, 1, 100, 120, 1))
        for c in (0, 1)
        for z in (0, 1)
    ]
    entries += [types.SimpleNamespace(start=(1, 0, z, 1050, -200, 0), shape=(1, 1, 1, 90, 80, 1)) for z in (0, 1)]
    xml = (
        "<ImageDocument><Metadata><Scaling><Items>"
        + "".join(f'<Distance Id="{side}"><Value>2.7E-07</Value></Distance>' for side in "XY")
        + '</Items></Scaling><Objectives><Objective Id="1" Name="EC Epiplan 50x/0.75"/></Objectives></Metadata>'
        "</ImageDocument>"
    )
    stand = Stand(axes="SCZYX0", shape=whole.shape, start=start, dtype=whole.dtype, filtered_subblock_directory=entries,
                  asarray=lambda: whole, metadata=lambda: xml)  # fmt: skip
    with read(tmp_path, monkeypatch, "czifile", "CziFile", b"ZISRAWFILE", "a.czi", stand) as (one, other):
        np.testing.assert_array_equal(one.flatten("1"), first[1] * 16)
        np.testing.assert_array_equal(other.flatten("max"), second.max(axis=0) * 16)
        assert (other.width, other.height, other.planes) == (80, 90, 2)
        assert (one.pixel_size.um, one.pixel_size.source) == (UM, "CZI, objective EC Epiplan 50x/0.75")
        assert read_vendor.MORE_CHANNELS in one.remarks


def test_a_czi_of_colours_and_no_scenes_becomes_luma(tmp_path, monkeypatch):
    colours = np.stack([foam(0), foam(1), foam(2)], axis=-1)
    stand = Stand(axes="YX0", shape=colours.shape, start=(0, 0, 0), dtype=colours.dtype, filtered_subblock_directory=[],
                  asarray=lambda: colours, metadata=lambda: None)  # fmt: skip
    with read(tmp_path, monkeypatch, "czifile", "CziFile", b"ZISRAWFILE", "a.czi", stand) as (one,):
        assert abs(one.flatten("first") - colours @ [0.299, 0.587, 0.114]).max() <= 0.51
        assert np.isnan(one.pixel_size.um) and one.pixel_size.source == ""


def test_each_position_of_an_nd2_is_a_picture(tmp_path, monkeypatch):
    levels = np.stack([[[foam(8 * p + 4 * z + c) for c in (0, 1)] for z in (0, 1, 2)] for p in (0, 1)])
    microscope = types.SimpleNamespace(objectiveName="Plan Fluor 20x")
    stand = Stand(
        sizes=dict(zip("PZCYX", levels.shape, strict=True)), dtype=levels.dtype,
        metadata=types.SimpleNamespace(channels=[types.SimpleNamespace(microscope=microscope)]),
        voxel_size=lambda: types.SimpleNamespace(x=UM, y=UM, z=1.0), asarray=lambda position: levels[position][None],
    )  # fmt: skip
    with read(tmp_path, monkeypatch, "nd2", "ND2File", b"\xda\xce\xbe\x0a", "a.nd2", stand) as (one, other):
        np.testing.assert_array_equal(one.flatten("2"), foam(8))
        np.testing.assert_array_equal(other.flatten("first"), foam(8))
        assert (other.planes, other.pixel_size.um, other.pixel_size.source) == (3, UM, "ND2, objective Plan Fluor 20x")


def test_an_oib_is_read_with_its_size(tmp_path, monkeypatch):
    levels = np.stack([[foam(0), foam(1)], [foam(2), foam(3)]]).astype(np.uint16)  # C, Z
    size = {"WidthConvertValue": 270.0, "WidthUnit": "nm", "HeightConvertValue": 0.27, "HeightUnit": "um"}
    stand = Stand(series=[types.SimpleNamespace(axes="CZ", shape=(2, 2))], shape=levels.shape, dtype=levels.dtype,
                  mainfile={"Reference Image Parameter": size}, asarray=lambda: levels)  # fmt: skip
    with read(tmp_path, monkeypatch, "oiffile", "OifFile", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.oib", stand) as (
        one,
    ):
        np.testing.assert_array_equal(one.flatten("1"), foam(1))
        assert (one.pixel_size.um, one.pixel_size.source) == (UM, "OIB")


def test_a_series_too_large_for_the_memory_is_refused_unread(tmp_path):
    scene = read_vendor.Scene({"Z": 2000, "Y": 1000, "X": 1000}, 2, lambda: pytest.fail("it was read"), (UM, UM))
    with pytest.raises(DataError, match=r"a series of 4\.0 GB; export its planes as TIFF"):
        read_vendor.picture(scene, "ND2")
