"""Geometry of porous structures from micrographs: VAE descriptors, their statistics and their pictures.

Import the module you need (``from nanofoam_lib import micrographs``); this package imports nothing itself.
"""
