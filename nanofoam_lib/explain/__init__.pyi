from . import gradcam as gradcam
from . import gradcam_checks as gradcam_checks
from . import inspection as inspection
from . import property_maps as property_maps
