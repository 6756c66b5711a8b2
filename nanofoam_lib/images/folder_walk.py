"""What lies in folders of images: which files are images, and which are only what systems and programs leave."""

import os
import pathlib
from collections.abc import Iterator

from nanofoam_lib.images import formats

#: What systems and programs leave in folders, in small letters; so are names that begin with a dot or ``~$``.
LEFT_OVERS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"}


def is_left_over(name: str) -> bool:
    """Tell whether a system or a program has left this, and nobody means it."""
    return name.startswith((".", "~$")) or name.lower() in LEFT_OVERS


def is_image(name: str) -> bool:
    """Tell whether a file is called as images are that are read."""
    return pathlib.PurePath(name).suffix.lower() in formats.suffixes()


def walk(folder: pathlib.Path, path: str = ".") -> Iterator[tuple[str, str]]:
    """Yield the files below a folder within the data folder, each as (relative folder, name), in order."""
    for root, folders, names in os.walk(folder / path):
        folders[:] = sorted(name for name in folders if not is_left_over(name))
        inner = pathlib.Path(root).relative_to(folder).as_posix()
        yield from ((inner, name) for name in sorted(names) if not is_left_over(name))
