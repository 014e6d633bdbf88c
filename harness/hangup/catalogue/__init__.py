"""The catalogue: what a scenario file says, read and checked. Knows nothing of labs, agents or packets."""

from hangup.catalogue.load import load_catalogue, load_file
from hangup.catalogue.model import Repeat, Scenario, Step, Wire

__all__ = ["Repeat", "Scenario", "Step", "Wire", "load_catalogue", "load_file"]
