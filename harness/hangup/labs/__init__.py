"""Labs: the places where trials run. Nothing above this package knows which one it is.

``base`` is the interface, ``loopback`` and ``netns`` the labs; ``keeper`` is the process that owns a netns lab.
"""

from hangup.labs.base import ContainerEnd, Lab, LabName, PeerContainer, Side
from hangup.labs.choose import LABS, LabChoice, open_lab, probe

__all__ = ["LABS", "ContainerEnd", "Lab", "LabChoice", "LabName", "PeerContainer", "Side", "open_lab", "probe"]
