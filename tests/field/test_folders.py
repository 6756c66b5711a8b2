"""Quirks of folders, tables and names that went wrong for people elsewhere, and what ``nanofoam check`` says then."""

import pathlib
import unicodedata

import numpy as np
import openpyxl
import pytest
from folders import CLASSES, HEADER, foam, folder, rows, save, write
from PIL import Image

from nanofoam_lib import __main__
from nanofoam_lib.base import memmap
from nanofoam_lib.base.errors import RunWarning
from nanofoam_lib.images import assignment, checking, preprocessing

#: Two specimens of two images in each class, and a pixel size.
PAIRED = dict.fromkeys(CLASSES, (4, 2, 0.27))
#: Each image a group of its own, of unknown size.
ALONE = dict.fromkeys(CLASSES, (4, 4, None))

CASES = {}


def case(status=0, classes=PAIRED, said=(), well=None):
    """Register a builder with the exit status, what each class must have, and what must be said."""

    def register(build):
        CASES[build.__name__] = (build, status, classes, said, not said if well is None else well)
        return build

    return register


# ---------------------------------------------------------------- the table


@case(said=["metadata.csv cells are taken to stand between semicolons"])
def semicolons_and_decimal_commas(root):
    return write(folder(root), rows(root, "0,27"), sep=";", encoding="utf-8-sig")


@case(said=["between semicolons"])
def a_first_line_that_names_the_separator(root):
    return write(folder(root), rows(root, "0,27"), sep=";", before="sep=;\r\n")


@case(said=["between semicolons"], classes=dict.fromkeys(CLASSES, (4, 2, None)))
def semicolons_without_decimals(root):
    return write(folder(root), [row[:1] + row[2:3] for row in rows(root)], ("path", "group"), sep=";")


@case(said=["is taken for UTF-16", "between tabs"])
def unicode_text_of_excel(root):
    return write(folder(root), rows(root), sep="\t", encoding="utf-16")


@case(said=["between tabs"])
def tabs(root):
    return write(folder(root), rows(root), sep="\t")


@case(
    said=["is not UTF-8 and is taken for code page cp1252"],
    classes={"Latón": (4, 2, 0.27), "Níquel": (4, 2, 0.27)},
)
def code_page_of_windows(root):
    return write(folder(root, classes=("Níquel", "Latón")), rows(root), encoding="cp1252")


@case(said=["code page mac_roman"], classes={"Latón": (4, 2, 0.27), "Níquel": (4, 2, 0.27)})
def code_page_of_macintosh(root):
    """The file names tell which code page it is."""
    return write(folder(root, classes=("Níquel", "Latón")), rows(root), encoding="mac_roman")


@case(status=1, classes=None, said=["metadata.csv: cannot be read as CSV", "save it as 'CSV UTF-8"])
def a_quotation_that_does_not_end(root):
    return write(folder(root), [], before='"')


@case(said=["has whole lines in quotation marks, which are cut at commas"])
def lines_in_quotation_marks(root):
    lines = [[f'"{",".join(row)}"'] for row in (HEADER, *rows(folder(root)))]
    return write(root, lines[1:], lines[0])


@case(classes=ALONE, said=["has no row for CuNi1/CuNi1_0.png and 7 more"])
def a_header_alone(root):
    return write(folder(root), [])


@case()
def a_workbook_called_csv(root):
    return (a_workbook(root) / "metadata.xlsx").rename(root / "metadata.csv").parent


@case()
def spaces_after_commas(root):
    return write(folder(root), rows(root), sep=", ")


@case()
def capitals_and_spaces_in_the_header(root):
    return write(folder(root), rows(root), ("Path ", " Label", "GROUP", "Pixel Size (µm)"), name="metadata.csv")


@case(said=["a column 'specimen', which is taken for group", "a column 'pixel_size', which is taken for pixel_size_um"])
def synonyms(root):
    return write(folder(root), rows(root), ("path", "label", "specimen", "pixel_size"))


@case(said=["'Archivo', which is taken for path", "'Muestra', which is taken for group", "(nm)', which is taken"])
def spanish_headers_and_a_unit_in_one(root):
    return write(folder(root), rows(root, "270"), ("Archivo", "Etiqueta", "Muestra", "Tamaño de píxel (nm)"))


@case(said=["a column 'gruop', which is not used; is 'group' meant?", "no column 'group'"],
      classes=dict.fromkeys(CLASSES, (4, 4, 0.27)))  # fmt: skip
def a_header_misspelt(root):
    return write(folder(root), rows(root), ("path", "label", "gruop", "pixel_size_um"))


@case()
def empty_rows_and_columns(root):
    table = [[*row, ""] for row in rows(folder(root))]
    return write(root, table, (*HEADER, ""), before=",,,,\r\n", after=",,,,\r\n,,,,\r\n")


@case()
def backslashes(root):
    return write(folder(root), [[row[0].replace("/", "\\"), *row[1:]] for row in rows(root)])


@case()
def backslashes_without_labels(root):
    table = [[row[0].replace("/", "\\"), *row[2:]] for row in rows(folder(root))]
    return write(root, table, ("path", "group", "pixel_size_um"))


@case()
def dots_before_paths(root):
    return write(folder(root), [[f".\\{row[0]}", *row[1:]] for row in rows(root)])


@case()
def the_folder_s_own_name_before_paths(root):
    return write(folder(root), [[f"{root.name}/{row[0]}", *row[1:]] for row in rows(root)])


@case(said=["does not name CuNi1_0.png and 7 more in full"])
def names_alone(root):
    return write(folder(root), [[row[0].split("/")[1], *row[1:]] for row in rows(root)])


@case(said=["does not name CuNi1/CuNi1_0 and 7 more in full"])
def names_without_suffixes(root):
    return write(folder(root), [[row[0].removesuffix(".png"), *row[1:]] for row in rows(root)])


@case(classes={"Ní": (4, 2, 0.27), "CuNi2": (4, 2, 0.27)})
def accents_composed_here_and_not_there(root):
    decomposed = unicodedata.normalize("NFD", "Ní")
    folder(root, classes=(decomposed, "CuNi2"))
    return write(root, [[unicodedata.normalize("NFC", cell) for cell in row] for row in rows(root)])


@case(said=["writes one group in several ways ('CuNi1-S0', 'cuni1-s0')"])
def spaces_and_letters_of_groups(root):
    table = rows(folder(root))
    for k, change in enumerate((lambda name: f" {name} ", str.lower)):
        table[k][2] = change(table[k][2])
    table[0][2], table[1][2] = table[1][2].upper().replace("CUNI", "CuNi"), f"{table[0][2].lower()} "
    return write(root, table)


@case(said=["group NA and 1 more stands in several classes"])
def specimens_called_nothing(root):
    names = ["NA", "NA", "None", "None"] * 2
    return write(folder(root), [[*row[:2], name, row[3]] for row, name in zip(rows(root), names, strict=True)])


@case(said=["not looked at: metadata.xlsx (.xlsx)"])
def capitals_in_the_table_s_name(root):
    write(folder(root), rows(root), name="Metadata.CSV")
    (root / "metadata.xlsx").write_bytes(b"PK\3\4" + bytes(100))
    return root


@case()
def a_workbook(root):
    book = openpyxl.Workbook()
    for row in (HEADER, *([*row[:3], 0.27] for row in rows(folder(root)))):
        book.active.append(row)
    book.save(root / "metadata.xlsx")
    return root


@case(status=1, classes=None, said=["metadata.xlsx: cannot be read as a workbook", "save it as 'CSV UTF-8"])
def a_workbook_that_is_none(root):
    (folder(root) / "metadata.xlsx").write_bytes(b"PK\3\4" + bytes(100))
    return root


@case(said=["not looked at: specimens.ods (.ods)"], classes=ALONE)
def a_table_of_another_name(root):
    (folder(root) / "specimens.ods").write_bytes(b"PK\3\4")
    return root


@case()
def a_unit_in_the_cell(root):
    units = ["0.27 µm", "270 nm", "0,27um", "2.7e-4 mm"] * 2
    table = [[*row[:3], f'"{unit}"'] for row, unit in zip(rows(folder(root)), units, strict=True)]
    return write(root, table)


@case(said=["field of view is 0.054 nm wide"], classes=dict.fromkeys(CLASSES, (4, 2, 2.7e-07)))
def pixel_sizes_in_metres(root):
    return write(folder(root), rows(root, "2.7e-7"))


@case(said=["field of view is 54 mm wide"], classes=dict.fromkeys(CLASSES, (4, 2, 270)))
def pixel_sizes_in_nanometres(root):
    return write(folder(root), rows(root, "270"))


@case(said=["has no row for CuNi1/CuNi1_0.png: each such image counts as a group of its own"],
      classes={"CuNi1": (4, 3, "–, 0.27"), "CuNi2": (4, 2, 0.27)})  # fmt: skip
def an_image_without_a_row(root):
    return write(folder(root), rows(root)[1:])


@case(said=["lists CuNi1/gone_0.png, which the data folder does not hold"])
def a_row_without_an_image(root):
    return write(folder(root), [*rows(root), ["CuNi1/gone_0.png", "CuNi1", "s", "0.27"]])


@case(said=["names no group of CuNi1/CuNi1_0.png and 1 more"], classes={"CuNi1": (4, 3, 0.27), "CuNi2": (4, 2, 0.27)})
def rows_without_a_group(root):
    table = rows(folder(root))
    table[0][2] = table[1][2] = ""
    return write(root, table)


# ---------------------------------------------------------------- the folders


@case(said=["folders within classes are taken for specimens, each a group: CuNi1/specimen_A and 3 more"],
      classes=dict.fromkeys(CLASSES, (4, 2, None)))  # fmt: skip
def a_folder_per_specimen(root):
    for k, label in enumerate(CLASSES):
        for i in range(4):
            save(foam(10 * k + i), root / label / f"specimen_{'AB'[i // 2]}" / f"{i}.png")
    return root


@case(said=["4 images lie in sub-folders of a class, such as CuNi1/day0/0.png, and not used"], classes=ALONE)
def some_images_in_sub_folders(root):
    for i in range(4):
        save(foam(900 + i), folder(root) / "CuNi1" / f"day{i % 2}" / f"{i}.png")
    return root


@case(status=1, classes=None, said=["the classes lie one level down (CuNi1, CuNi2); give"])
def a_folder_in_a_folder(root):
    folder(root / "my_foams")
    return root


@case(
    classes={"foams": (8, 8, None)}, said=["all images are of one class, 'foams'", "put them into one sub-folder each"]
)
def all_in_one_folder(root):
    for i in range(8):
        save(foam(i), root / f"CuNi{1 + i % 2}_{i}.png")
    return root


@case(classes=ALONE, said=["1 image lies in no class, such as overview.png, and not used"])
def an_image_beside_the_classes(root):
    save(foam(1), folder(root) / "overview.png")
    return root


@case(classes=ALONE, said=["not looked at: CuNi1/a.dm3 and 2 more (.bak, .dm3, .jp2)"])
def files_of_other_kinds(root):
    for name in ("CuNi1/a.dm3", "CuNi2/c.jp2", "CuNi2/f.tif.bak"):
        (folder(root) / name).write_bytes(bytes(100))
    return root


@case(classes=ALONE)
def left_overs_of_systems(root):
    for place in (folder(root), root / "CuNi1"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._CuNi1_0.png", "~$metadata.xlsx"):
            (place / name).write_bytes(bytes(100))
        save(foam(5), place / ".ipynb_checkpoints" / "x.png")
    save(foam(5), root / "__MACOSX" / "CuNi1" / "x.png")
    return root


@case(classes=ALONE, said=["class folder 'CuNi3' holds no images"])
def an_empty_class(root):
    (folder(root) / "CuNi3").mkdir()
    return root


@case(classes=ALONE, said=["masks, used by -p pores=masks: masks/CuNi1_0.png and 7 more"])
def masks_in_a_folder(root):
    for path in [*folder(root).glob("CuNi*/*.png")]:
        save((np.asarray(Image.open(path)) < 120).astype(np.uint8) * 255, root / "masks" / path.name)
    return root


@case(classes=ALONE, said=["masks, used by -p pores=masks: masks/CuNi1_0.png and 15 more"])
def masks_in_a_folder_and_beside_images(root):
    for path in sorted(folder(root).glob("CuNi*/*.png")):
        mask = (np.asarray(Image.open(path)) < 120).astype(np.uint8) * 255
        save(mask, root / "masks" / path.name)
        save(mask, path.with_name(f"{path.stem}_mask.png"))
    return root


@case(classes=ALONE, said=["masks of no image that is used, and not looked at: masks/CuNi1/other.png and 1 more"])
def masks_of_nothing(root):
    save(foam(1), folder(root) / "CuNi1" / "masks" / "other.png")
    save(foam(2), root / "masks" / "CuNi1" / "other.png")
    return root


@case(classes=ALONE | {"results": (2, 2, None)}, said=["class folder 'results' is called like no material"])
def a_folder_that_may_be_no_class(root):
    for i in range(2):
        save(foam(50 + i), folder(root) / "results" / f"{i}.png")
    return root


@case(status=1, said=["far.png: is a link that leads out of the data folder; copy the image into it", "dangling.png"],
      classes={"CuNi1": (4, 4, None), "CuNi2": (6, 4, None)})  # fmt: skip
def links(root):
    """Those into the folder are read, as an annex keeps its files; those out of it are named."""
    store = folder(root) / ".git" / "annex"
    store.mkdir(parents=True)
    for path in [*root.glob("CuNi1/*.png")]:
        target = path.rename(store / path.name)
        path.symlink_to(pathlib.Path("..", ".git", "annex", target.name))
    save(foam(55), root.parent / "disk" / "far.png")
    (root / "CuNi2" / "far.png").symlink_to(root.parent / "disk" / "far.png")
    (root / "CuNi2" / "dangling.png").symlink_to(root / "CuNi2" / "gone.png")
    return root


@case(classes={"CuNi1": (4, 4, None), "cuni1 ": (4, 4, None)}, said=["folders 'CuNi1' and 'cuni1 ' are taken for two"])
def classes_alike(root):
    return folder(root, classes=("CuNi1", "cuni1 "))


# ---------------------------------------------------------------- the images as a set


@case(classes=dict.fromkeys(CLASSES, (8, 8, None)), said=["8 pairs of images show the same picture and are of"])
def each_as_tiff_and_as_jpeg(root):
    for path in [*folder(root, suffix=".tif").glob("*/*.tif")]:
        Image.open(path).save(path.with_suffix(".jpg"), quality=92)
    return root


@case(status=1, said=["split: class 'CuNi2' has one group only; a split by group needs at least two per class"],
      classes={"CuNi1": (4, 2, 0.27), "CuNi2": (4, 1, 0.27)})  # fmt: skip
def a_class_of_one_specimen(root):
    one = {"CuNi2": "only-one"}
    return write(folder(root), [[*row[:2], one.get(row[1], row[2]), row[3]] for row in rows(root)])


@case(status=1, classes={"10": (2, 2, None), "5": (2, 2, None)},
      said=["split: only 2 images of 2 classes are left to train; at least 3 are needed"])  # fmt: skip
def two_by_two(root):
    return folder(root, n=2, classes=("5", "10"))


@case(classes={"10": (3, 3, None), "5": (3, 3, None)}, well=True,
      said=["fewer than 5 images of a class are left to train (10 2, 5 2)"])  # fmt: skip
def three_by_two(root):
    return folder(root, n=3, classes=("5", "10"))


@case(classes=dict.fromkeys(("020", "1e3", "5", "NA", "None", "true"), (4, 4, None)))
def classes_that_look_like_something_else(root):
    return folder(root, classes=("5", "1e3", "020", "None", "NA", "true"))


@case(classes={"CuNi1": (4, 2, 0.27), "CuNi2": (4, 2, 0.135)},
      said=["mixed pixel sizes (0.27, 0.135)",
            "they go with the class (CuNi1 0.27, CuNi2 0.135), which can then be told by them alone"])  # fmt: skip
def scales_that_go_with_the_class(root):
    folder(root, change=lambda grey, label: grey if label == "CuNi1" else grey[:100, :120])
    return write(root, [[*row[:3], {"CuNi1": "0.27"}.get(row[1], "0.135")] for row in rows(root)])


@case(classes=ALONE, said=["mixed image sizes (200×150, 120×100)", "(CuNi1 200×150, CuNi2 120×100), which can then be"])
def sizes_that_go_with_the_class(root):
    return folder(root, change=lambda grey, label: grey if label == "CuNi1" else grey[:100, :120])


@case(classes=ALONE, said=["mixed bit depths (8-bit, 16-bit)", "they go with the class (CuNi1 8-bit, CuNi2 16-bit)"])
def bit_depths_that_go_with_the_class(root):
    return folder(root, suffix=".tif", change=lambda grey, label: grey if label == "CuNi1" else grey.astype("<u2") * 15)


@case(classes=ALONE, said=["CuNi1/CuNi1_0.png and 7 more: is overexposed: ", "% of its pixels are white"])
def images_saturated(root):
    return folder(root, change=lambda grey, label: np.clip(grey * 2.0 - 60, 0, 255).astype(np.uint8))


@case(status=1, classes=ALONE, said=["pores.yaml", "CuNi1: method must be one of", "1 problem"])
def choices_of_pores_that_cannot_be(root):
    folder(root)
    (root / "pores.yaml").write_text("classes: {CuNi1: {method: threshold}}")
    return root


@case(classes=ALONE, said=["pores.yaml: CuNi01 is no class of this folder", "is CuNi1 meant?",
                           "pores.yaml: CuNi1/CuNi1_0.tif is no micrograph of this folder"])  # fmt: skip
def choices_of_pores_for_what_is_not_there(root):
    folder(root)
    (root / "pores.yaml").write_text("classes: {CuNi01: {method: dark}}\npictures: {CuNi1/CuNi1_0.tif: {level: 0.4}}")
    return root


@case(status=1, classes=ALONE, said=["CuNi1/CuNi1_1.png: has no mask; put CuNi1_1_mask.tif", "4 problems"])
def masks_asked_for_and_missing(root):
    folder(root)
    (root / "pores.yaml").write_text("classes: {CuNi1: {method: masks}}")
    return root


@pytest.mark.parametrize("name", CASES)
def test_check_says_what_a_folder_holds(tmp_path, capsys, monkeypatch, name):
    build, status, classes, said, well = CASES[name]
    root, seen, check = build(tmp_path / "foams"), [], checking.check
    monkeypatch.setattr(checking, "check", lambda *given, **named: seen.append(check(*given, **named)) or seen[-1])
    assert __main__.main(["check", str(root)]) == status
    out, err = capsys.readouterr()
    for words in said:
        assert words in out + err
    assert ("all well" in out) == (well and not status)
    if classes is None:  # of the folder as a whole there is one line
        assert err.count("\n") == 1 and out == ""
        return
    table = checking.classes(seen[0]).set_index("class")
    assert list(table.index) == sorted(classes)  # composed, whatever the disk has
    found = {label: tuple(row) for label, row in table[["images", "groups", "µm per pixel"]].iterrows()}
    assert found == {
        label: (images, groups, "–" if um is None else um if isinstance(um, str) else f"{um:g}")
        for label, (images, groups, um) in classes.items()
    }


def test_sub_folders_are_groups_when_the_user_says_so(tmp_path, capsys):
    root = some_images_in_sub_folders(tmp_path / "foams")
    assert __main__.main(["check", str(root), "-p", "subfolders=groups"]) == 0
    assert (
        "folders within classes are taken for specimens, each a group: CuNi1/day0 and 1 more" in capsys.readouterr().err
    )
    index = checking.check(root, subfolders="groups").index
    assert sorted(index.loc[index["label"] == "CuNi1", "group"].value_counts()) == [1, 1, 1, 1, 2, 2]
    nested = a_folder_per_specimen(tmp_path / "nested")
    assert __main__.main(["check", str(nested), "-p", "subfolders=ignore"]) == 1
    assert "images lie too deep" in capsys.readouterr().err


def test_what_check_says_a_run_says_too(tmp_path):
    """The same functions read, index and split in both: a folder with something of everything is warned of alike."""
    root = pixel_sizes_in_metres(tmp_path / "foams")
    save(foam(1), root / "stray.png")
    (root / "CuNi3").mkdir()
    found = checking.check(root)
    with pytest.warns(RunWarning) as caught:
        index, _ = preprocessing.process(root, tmp_path / "images.npy")
        split, _ = assignment.assign(index, memmap.load(tmp_path / "images.npy"))
        assignment.warn_of_few(index.assign(split=split))
    assert [str(warning.message) for warning in caught] == [*found.said, *found.few]
    assert split.tolist() == found.index["split"].tolist()


def test_a_class_keeps_its_name_in_every_language(tmp_path, capsys):
    """Even one that is a word of the program's own messages."""
    root = some_images_in_sub_folders(tmp_path / "foams")
    (root / "CuNi1").rename(root / "missing")
    __main__.main(["check", str(root), "-p", "subfolders=groups", "--lang", "es"])
    said = capsys.readouterr().out
    assert "clase" in said and "\nmissing " in said and "falta " not in said
