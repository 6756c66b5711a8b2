from . import backbone_networks as backbone_networks
from . import control_registry as control_registry
from . import descriptors as descriptors
from . import generation as generation
from . import kinds as kinds
from . import objective as objective
from . import training as training
from . import vae as vae
