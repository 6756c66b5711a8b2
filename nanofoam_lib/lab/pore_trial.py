"""A try at the pores of one micrograph: found as is asked for now, drawn, told, and kept for it, its class or all."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanofoam_lib import figures
from nanofoam_lib.base import files, language, safe_names
from nanofoam_lib.base.errors import DataError
from nanofoam_lib.base.run_folder import Run
from nanofoam_lib.images import contents, pore_choices, pore_folder, pore_overlays, pore_study, pore_verdicts, sources
from nanofoam_lib.images.pore_choices import ALL, CLASSES, PICTURES

CHOSEN = ("method", "level", "smallest_um")  # of `pore_study.Request`
WIDTH = 640  # of the overlay, in pixels
WIDTH_CM = 10.0  # of the histogram, drawn as large as it is shown
_SYNTHETIC = "the pores of synthetic structures are found as the parameter pores says; choices are for micrographs"


class Trial:
    """What one looks at, and how its pores are to be found. `pore_panel.show` puts controls to it.

    Parameters
    ----------
    folder : path-like
        The data folder.
    known : pandas.DataFrame
        One row per picture: columns path, label and pixel_size_um.
    readings : sequence of sources.Source
        One for each row.
    base : pore_study.Request
        What holds where ``pores.yaml`` says nothing.
    is_synthetic : bool
        Then nothing can be chosen for good.

    Attributes
    ----------
    number : int
        Row that is looked at.
    request : pore_study.Request
        How its pores are found now; at first as ``pores.yaml`` has it.
    study : pore_study.Study
        What is found so.
    """

    def __init__(
        self,
        folder: files.StrPath,
        known: pd.DataFrame,
        readings: Sequence[sources.Source],
        base: pore_study.Request,
        is_synthetic: bool = False,
    ) -> None:
        self.folder, self.known, self.readings = pathlib.Path(folder).absolute(), known, readings
        self.base, self.is_synthetic = base, is_synthetic
        self.look(0)

    @property
    def path(self) -> str:
        """Path of the micrograph that is looked at, within the data folder."""
        return str(self.known["path"].iloc[self.number])

    @property
    def um(self) -> float:
        """Size of its pixels in µm; NaN if unknown."""
        return float(self.known["pixel_size_um"].iloc[self.number])

    def look(self, number: int) -> None:
        """Turn to another picture, and find its pores as is decided so far."""
        self.number = number
        self._find(self.decided())

    def decided(self) -> pore_study.Request:
        """Give how the pores of this picture are found by ``pores.yaml`` and, where that is silent, by `base`."""
        return pore_choices.request_for(pore_choices.read(self.folder), self.path, self.base)

    def ask(self, **choice: Any) -> None:
        """Find the pores anew: method, level and smallest_um as given, and otherwise as now.

        Raises
        ------
        DataError
            If the file or its mask cannot be read; nothing is changed then.
        """
        self._find(dataclasses.replace(self.request, **choice))

    def _find(self, request):
        um = None if np.isnan(self.um) else self.um
        self.study = pore_study.of_file(self.folder, self.readings[self.number], um, request, is_brief=True)
        self.request = request

    def overlay(self) -> NDArray[np.uint8]:
        """Draw the outlines over the micrograph: uint8 (h, w, 3)."""
        source, row = self.readings[self.number], self.study.row
        return pore_overlays.of_file(source, self.study.labels, self.request.crop, row["verdict"], self.um, WIDTH)

    def diameters(self) -> NDArray[np.float64]:
        """Give the equivalent diameters of the pores whose centre lies in the picture, in µm; NaN of unknown scale."""
        pores = self.study.pores
        return pores.loc[pores["counted"], "diameter_um"].to_numpy(float)

    def histogram(self, lang: str = "en") -> Figure:
        """Draw the distribution of the diameters."""
        return figures.diameters(self.diameters(), lang=lang, width_cm=WIDTH_CM)

    def summary(self, lang: str = "en") -> str:
        """Say what was found, by what method and why, and what speaks against believing it."""
        row = self.study.row
        numbers = ", ".join(
            f"{language.text(name, lang)} {language.number(row[name], lang)}"
            for name in ("n_pores", "median_diameter_um", "porosity")
        )
        doubts = f": {'; '.join(pore_verdicts.recorded(row['reasons'], lang))}" if row["reasons"] else ""
        verdict = language.text(row["verdict"], lang)
        found = f"{language.text(row['method'], lang)} ({language.text(row['why'], lang)})"
        return ". ".join(said[:1].upper() + said[1:] for said in (numbers, found, f"{verdict}{doubts}"))

    def use_for(self, scope: str) -> pathlib.Path:
        """Write what is asked for now into ``pores.yaml`` of the data folder.

        Parameters
        ----------
        scope : {"pictures", "classes", "all"}
            For this picture, all of its class, or all; replaces what was chosen for the pictures that it holds for.

        Returns
        -------
        pathlib.Path
            The file, which `nanofoam run` and `nanofoam pores` obey.

        Raises
        ------
        DataError
            If the pictures are synthetic, or the file cannot be read or written.
        """
        if self.is_synthetic:
            raise DataError(_SYNTHETIC)
        label, has_class, _ = self.path.partition("/")
        if scope == CLASSES and not has_class:  # all micrographs of a flat folder are one
            scope = ALL
        name = {PICTURES: self.path, CLASSES: label, ALL: ""}[scope]
        pore_choices.write(self.folder, scope, name, {own: getattr(self.request, own) for own in CHOSEN})
        return self.folder / pore_choices.NAME


def of_folder(folder: files.StrPath, subfolders: str = "auto", crop: Any = 0.15, **options: Any) -> Trial:
    """Open a data folder without a run; arguments as of `pore_folder.look`, whose bad files are left out."""
    request = pore_study.Request(crop=crop)
    chosen = contents.Options(crop=crop, um_per_pixel=None, **options)
    known, readings = pore_folder.look(pathlib.Path(folder).absolute(), chosen, subfolders)
    good = known[known["problem"] == ""].reset_index(drop=True)
    if not len(good):
        raise DataError(f"{safe_names.shown(folder)}: no micrograph can be read; nanofoam check says why")
    return Trial(folder, good, readings, request)


def of_run(run: Run) -> Trial:
    """Open the micrographs of a run, as it read them; DataError if they are no longer where they were."""
    manifest = run.load_manifest()
    folder = manifest["data"].get("folder") if manifest else None
    index, values = run.load_index(), manifest.get("parameters", {}) if manifest else {}
    place = pathlib.Path(folder) if folder else run.synthetic
    if not place.is_dir():
        raise DataError(f"{safe_names.shown(place)}: missing; the micrographs of this run are no longer there")
    method = values.get("pores", "auto")
    request = pore_study.Request("auto" if method == "none" else method, crop=values.get("crop", 0.15))
    readings = sources.of_index(place, index)
    return Trial(place, index, readings, request, is_synthetic=not folder)
