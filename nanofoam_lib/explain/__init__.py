"""Grad-CAM maps of latent dimensions, whether to trust them, and what the explorer asks of a model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
