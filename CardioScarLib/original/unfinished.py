"""A training run that can be resumed after it was killed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.json_files import check_json, record_of, refused_as
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.reconstruction.dropout.train import State, TrainingState

KIND = "unfinished training"
PARTS = ("state", "best", "first_moment", "second_moment")
WHOLE = {"type": "integer", "minimum": 0}
HEADER = record_of({"epoch": WHOLE, "steps": WHOLE, "history": {"type": "object"}})
"""Schema of the header of the file."""


@dataclass(eq=False)
class Unfinished:
    """The file that keeps the state of a run, next to its result.

    output: the checkpoint that the run is to make; the state lies next to it as `<output>.unfinished`.
    resume: continue from the state, if there is one. overwrite: a file of another run may be replaced.
    every_epochs: how often it is written; each time as a whole, never half.
    """

    output: Path
    every_epochs: int = 50
    resume: bool = False
    overwrite: bool = False
    belongs_to: str = field(default="", init=False)

    @property
    def path(self) -> Path:
        return self.output.with_name(self.output.name + ".unfinished")

    def check(self) -> None:
        """Raise UnwritableOutput for the state of an earlier run without instructions for it; call before long work."""
        if self.path.exists() and not self.resume and not self.overwrite:
            raise UnwritableOutput(
                f"{self.path.name} holds an unfinished training of {self.output.name}: add --resume to continue it, "
                "or --overwrite to start again."
            )

    def find(self, run: tuple[Any, ...], start: State | None) -> tuple[TrainingState | None, tuple[str, ...]]:
        """The state to continue from, if requested and present, and notes.

        run: all that decides how the training goes; a state of another run is refused. start: the tensors it started from.
        """
        digest = hashlib.sha256(repr(run).encode())
        start = start or {}
        for name in sorted(start):
            digest.update(name.encode() + np.ascontiguousarray(start[name]).tobytes())
        self.belongs_to = digest.hexdigest()
        if not self.resume:
            self.done()  # of an earlier run, which is not to be mixed up with this one
            return None, ()
        if not self.path.exists():
            return None, (f"There is no {self.path.name} to resume; the training starts from the beginning.",)
        tensors, header = read_tensors(self.path, KIND)
        if header.get("belongs_to") != self.belongs_to:
            raise UnreadableFile(
                f"{self.path.name} is of a training with other data, settings, seed or start; use the same ones, or omit --resume."
            )
        sentence = f"{self.path.name} is damaged; omit --resume to start again."
        check_json(header, HEADER, sentence)
        with refused_as(sentence):
            parts: dict[str, State] = {part: {} for part in PARTS}
            for name, values in tensors.items():
                part, _, key = name.partition("/")
                parts[part][key] = values
            state = TrainingState(header["epoch"], header["steps"], **parts, history=header["history"])
        return state, (f"The training continues after epoch {state.epoch}.",)

    def save(self, state: TrainingState) -> None:
        tensors = {f"{part}/{key}": values for part in PARTS for key, values in getattr(state, part).items()}
        header = {"belongs_to": self.belongs_to, "epoch": state.epoch, "steps": state.steps, "history": state.history}
        with atomic_path(self.path, overwrite=True) as temporary:
            write_tensors(tensors, header, KIND, temporary)

    def done(self) -> None:
        self.path.unlink(missing_ok=True)
