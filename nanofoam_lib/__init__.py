"""Geometry of porous structures from micrographs: VAE descriptors, their statistics and their pictures.

What notebooks and scripts rely on is listed in ``__init__.pyi`` and loaded when it is first asked for
(``from nanofoam_lib import micrographs``); everything else is internal.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
