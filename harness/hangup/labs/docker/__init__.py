"""The docker lab: the peer and each agent in containers of pinned versions, on a network of the run's own.

``lab`` is the lab, ``images`` what its containers are made from, ``leftovers`` what a run owns and what a killed one
left; ``engine`` alone knows the SDK, and imports it when it is first used.
"""

from hangup.labs.docker.lab import DockerLab

__all__ = ["DockerLab"]
