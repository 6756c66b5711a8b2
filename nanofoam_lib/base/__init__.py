"""What everything stands on: errors, files, names, memory maps, progress, scheduling, provenance, the run folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
