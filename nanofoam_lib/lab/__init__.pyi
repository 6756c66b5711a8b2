from . import explore as explore
from . import pore_panel as pore_panel
from . import pore_trial as pore_trial
from . import widgets as widgets
