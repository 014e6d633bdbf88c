"""The store: results files, their schema, and how trials become them. Knows nothing of labs or agents at work."""

from hangup.store.files import load_results, read_file, save
from hangup.store.kernel import KernelRecorder, KernelResets, ScenarioReset, load_kernel, save_kernel
from hangup.store.model import Cell, ClientResults, Observation
from hangup.store.record import CellRecorder

__all__ = [
    "Cell", "CellRecorder", "ClientResults", "KernelRecorder", "KernelResets", "Observation", "ScenarioReset",
    "load_kernel", "load_results", "read_file", "save", "save_kernel",
]  # fmt: skip
