from . import classify as classify
from . import controls as controls
from . import decode_plan as decode_plan
from . import inverse_design as inverse_design
from . import pore_prediction as pore_prediction
from . import projection as projection
from . import separation as separation
from . import traversal as traversal
