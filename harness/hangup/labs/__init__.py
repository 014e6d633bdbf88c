"""Labs: the places where trials run. Nothing above this package knows which one it is.

``base`` is the interface, ``loopback``, ``netns`` and ``docker`` are the labs. ``keeper`` is the process that owns a
netns lab: ``topology`` is the network that it makes, ``faults`` what it does to it (``firewall``, ``forge``,
``addresses``).
"""

from hangup.labs.base import ContainerEnd, Lab, LabName, PeerContainer, Side, Target
from hangup.labs.choose import LABS, LabChoice, open_lab, probe

__all__ = [
    "LABS",
    "ContainerEnd",
    "Lab",
    "LabChoice",
    "LabName",
    "PeerContainer",
    "Side",
    "Target",
    "open_lab",
    "probe",
]
