from . import claims as claims
from . import findings as findings
from . import notebook_text as notebook_text
from . import render as render
from . import run_figures as run_figures
