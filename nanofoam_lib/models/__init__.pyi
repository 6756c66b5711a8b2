from . import backbone_networks as backbone_networks
from . import descriptors as descriptors
from . import generation as generation
from . import objective as objective
from . import training as training
from . import vae as vae
