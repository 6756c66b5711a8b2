from . import collection as collection
from . import micrographs as micrographs
from . import pore_zones as pore_zones
from . import pores as pores
from . import preprocessing as preprocessing
from . import splits as splits
from . import synthetic as synthetic
from . import synthetic_folder as synthetic_folder
