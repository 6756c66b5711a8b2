"""Statistics on vectors: how well descriptors separate classes and predict pores, and where to walk among them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
