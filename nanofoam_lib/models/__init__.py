"""Keras: networks, training, the descriptors they give, and what their decoders draw."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
