"""The coordinate network's layers, and how checkpoints name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import UnreadableFile

FREQUENCIES = "features.frequencies"
LAYOUTS = (1, 2)
MOST_WIDTH, MOST_DEPTH = 8192, 64


@dataclass(frozen=True)
class Architecture:
    """position -> depth x (linear, dropout or not, ReLU) -> linear -> sigmoid.

    layout: which hidden layers have dropout, counted from 1. Layout 1: 2, 4, 6 ...; layout 2: 3, 5, 7 ... Both occur in
    files of the original cardioscar, whose documentation describes layout 1 and whose last version writes layout 2.
    frequencies: random Fourier frequencies before the first layer; 0 hands it the coordinates themselves.
    """

    width: int = 128
    depth: int = 4
    dropout: float = 0.1
    layout: int = 1
    frequencies: int = 0

    @property
    def dropout_layers(self) -> tuple[int, ...]:
        """Hidden layers with dropout, counted from 1."""
        return tuple(range(2 if self.layout == 1 else 3, self.depth + 1, 2))

    @property
    def first_dropout(self) -> int:
        """The first hidden layer with dropout; the last one in a network too shallow to have any."""
        return self.dropout_layers[0] if self.dropout_layers else self.depth

    @property
    def layers(self) -> tuple[str, ...]:
        """State-dict prefixes of the linear layers, the output last: their places in the original's `nn.Sequential`."""
        names, place = [], 0
        for number in range(1, self.depth + 2):
            names.append(f"network.{place}")
            place += 3 if number in self.dropout_layers else 2  # linear and ReLU, with dropout between them
        return tuple(names)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """State-dict keys with their shapes, in the order of the layers."""
        sizes = [2 * self.frequencies or 3, *[self.width] * self.depth, 1]
        shapes: dict[str, tuple[int, ...]] = {FREQUENCIES: (self.frequencies, 3)} if self.frequencies else {}
        for name, inner, outer in zip(self.layers, sizes[:-1], sizes[1:], strict=True):
            shapes |= {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}
        return shapes

    def initial(self, seed: int, length: float = 1.0) -> dict[str, np.ndarray]:
        """A start state, float32: torch's own initial weights, in the order the original draws them.

        length: scale of the random features, in units of the coordinates.
        """
        import torch
        from torch import nn

        shapes = self.shapes()
        state = {}
        if self.frequencies:
            state[FREQUENCIES] = (np.random.default_rng([seed, 6]).normal(size=shapes[FREQUENCIES]) / length).astype(np.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for name in self.layers:
                outer, inner = shapes[f"{name}.weight"]
                layer = nn.Linear(inner, outer)
                state |= {f"{name}.weight": layer.weight.detach().numpy(), f"{name}.bias": layer.bias.detach().numpy()}
        return state

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray], dropout: float = 0.1) -> Architecture:
        """Width, depth, layout and features as the tensors show them; the dropout rate is not in them.

        Raises UnreadableFile with one sentence for anything else.
        """
        places = sorted(int(match[1]) for key in state if (match := re.fullmatch(r"network\.(\d+)\.weight", key)))
        depth = len(places) - 1
        if depth < 1:
            raise UnreadableFile("This is not a checkpoint of the coordinate network: it holds no layers named network.0, network.2 ...")
        if depth > MOST_DEPTH:
            raise UnreadableFile(f"The checkpoint has {depth} hidden layers; up to {MOST_DEPTH} are handled.")
        first = np.shape(state[f"network.{places[0]}.weight"])
        width = first[0] if len(first) == 2 else 0
        if not 1 <= width <= MOST_WIDTH:
            raise UnreadableFile(
                f"The first layer of the checkpoint has the shape {first}; expected is (width, inputs), up to {MOST_WIDTH}."
            )
        frequencies = np.shape(state[FREQUENCIES])[0] if FREQUENCIES in state else 0
        candidates = [cls(width, depth, dropout, layout, frequencies) for layout in LAYOUTS]
        places_of = {tuple(int(name.partition(".")[2]) for name in one.layers): one for one in reversed(candidates)}
        found = places_of.get(tuple(places))
        if found is None:
            raise UnreadableFile(f"The checkpoint's layers are numbered {places}, which is neither layout 1 nor layout 2 of cardioscar.")
        found.check(state)
        return found

    def check(self, state: dict[str, np.ndarray]) -> None:
        """Raise UnreadableFile unless the state holds exactly this network, in finite numbers."""
        shapes = self.shapes()
        missing, unknown = [key for key in shapes if key not in state], [key for key in state if key not in shapes]
        if missing or unknown:
            what = f"lacks {', '.join(missing)}" if missing else f"holds the unknown {', '.join(map(str, unknown[:3]))}"
            raise UnreadableFile(f"The checkpoint {what}; it is not one of a coordinate network with {self.depth} hidden layers.")
        for key, shape in shapes.items():
            if np.shape(state[key]) != shape:
                raise UnreadableFile(f"{key} of the checkpoint has the shape {np.shape(state[key])} instead of {shape}.")
            if not np.all(np.isfinite(state[key])):
                raise UnreadableFile(f"{key} of the checkpoint holds values that are not finite numbers.")
