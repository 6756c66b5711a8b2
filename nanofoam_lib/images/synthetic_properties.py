"""Properties of synthetic specimens by stated laws of their true geometry, so that a study has some without a lab.

None of them was measured: they are as synthetic as the pictures.
"""

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nanofoam_lib.images import synthetic

SOLID_GPA = 150.0  # Young's modulus of solid copper-nickel, about 60 : 40
_MODULUS_SCATTER, _PERMEABILITY_SCATTER = 0.01, 0.05  # standard deviations of the logarithm between specimens
_Numbers = TypeVar("_Numbers", float, NDArray[np.float64])


def modulus_gpa(porosity: _Numbers) -> _Numbers:
    """Give Young's modulus of an open foam, in GPa: ``E = E_s (1 − φ)²`` [1]_, with E_s of 150 GPa.

    Parameters
    ----------
    porosity : float or ndarray, in [0, 1]

    References
    ----------
    .. [1] L. J. Gibson, M. F. Ashby, "The mechanics of three-dimensional cellular materials", Proc. R. Soc. A 382
       (1982) 43-59, :doi:`10.1098/rspa.1982.0088`

    Examples
    --------
    >>> modulus_gpa(0.5)
    37.5
    """
    return SOLID_GPA * (1 - porosity) ** 2


def permeability_um2(porosity: _Numbers, diameter_um: _Numbers) -> _Numbers:
    """Give the permeability in µm², about a darcy each: ``k = d² φ³ / (180 (1 − φ)²)``, after Kozeny and Carman [1]_.

    Parameters
    ----------
    porosity : float or ndarray, in [0, 1)
    diameter_um : float or ndarray
        Here that of the pores, which the law states for grains; it sets the scale alone.

    References
    ----------
    .. [1] P. C. Carman, "Fluid flow through granular beds", Trans. Inst. Chem. Eng. 15 (1937) 150-166,
       :doi:`10.1016/S0263-8762(97)80003-2`

    Examples
    --------
    >>> round(permeability_um2(0.5, 30.0), 6)
    2.5
    """
    return diameter_um**2 * porosity**3 / (180 * (1 - porosity) ** 2)


#: Property → its law, of pore measures as a table has them. What has no law, such as a composition, is not here.
LAWS: Mapping[str, Callable[[pd.DataFrame], NDArray[np.float64]]] = MappingProxyType(
    {
        "modulus_gpa": lambda pores: modulus_gpa(pores["porosity"].to_numpy(float)),
        "permeability_um2": lambda pores: permeability_um2(
            pores["porosity"].to_numpy(float), pores["median_diameter_um"].to_numpy(float)
        ),
    }
)


def of_specimens(table: pd.DataFrame) -> pd.DataFrame:
    """Give the properties of the specimen of each picture.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of a synthetic folder's metadata: label, group, specimen (its seed), porosity, median_diameter_um.

    Returns
    -------
    pandas.DataFrame
        Rows as in `table`: ``cu_m``, mol/l of copper in the electrolyte, if all classes are compositions;
        ``modulus_gpa``; ``permeability_um2``, if pores have a diameter. The laws take the mean porosity and diameter of
        the specimen's pictures; each specimen has a factor of its own, log-normal with 1 % for the modulus and 5 % for
        the permeability.
    """
    own = table.groupby("group", sort=False)[["porosity", "median_diameter_um"]].transform("mean")
    factors = np.exp([_scatter(specimen) for specimen in table["specimen"]])
    found = pd.DataFrame(index=table.index)
    if set(table["label"]) <= set(synthetic.COMPOSITIONS):
        found["cu_m"] = [synthetic.COMPOSITIONS[label].copper_molar for label in table["label"]]
    found["modulus_gpa"] = LAWS["modulus_gpa"](own) * factors[:, 0]
    if own["median_diameter_um"].notna().any():
        found["permeability_um2"] = LAWS["permeability_um2"](own) * factors[:, 1]
    return found


def _scatter(specimen):
    """Draw how far a specimen is off the two laws, as logarithms; apart from all draws that make its pictures."""
    rng = np.random.default_rng((zlib.crc32(b"properties"), specimen))
    return rng.standard_normal(2) * (_MODULUS_SCATTER, _PERMEABILITY_SCATTER)
