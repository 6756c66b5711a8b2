from . import explore as explore
from . import widgets as widgets
