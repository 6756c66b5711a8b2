"""What a run says: sentences, tables, figures drawn from a run folder, HTML and LaTeX."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
