"""Constants in the order a kernel reads them.

A kernel's header names packers: ``pack = { stream = "pw_stream" }`` makes the array ``stream`` from the layer's
canonical arrays. A packer is a pure function of those arrays and the layer's ints. A module per
family of cores.
"""

from edgekit.plan.pack import dsp, mve, scalar, thumb
from edgekit.plan.pack.registry import Packer, names, pack, packer

__all__ = ["Packer", "dsp", "mve", "names", "pack", "packer", "scalar", "thumb"]
