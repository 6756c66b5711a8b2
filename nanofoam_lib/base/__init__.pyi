from . import errors as errors
from . import files as files
from . import memmap as memmap
