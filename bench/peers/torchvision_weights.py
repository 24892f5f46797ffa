"""Random weights of a torchvision network, as a state dict to import.

    /usr/bin/python3 bench/peers/torchvision_weights.py resnet50 OUT.pth
"""

import sys

import torch
import torchvision

torch.manual_seed(0)
torch.save(getattr(torchvision.models, sys.argv[1])().state_dict(), sys.argv[2])
