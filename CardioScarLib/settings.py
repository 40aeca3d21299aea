"""What a person can choose, one typed dataclass per stage; defaults and limits are written here only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, is_dataclass
from typing import get_type_hints

from CardioScarLib.errors import BadSettings

PIXEL_SUPPORTS = ("wall", "prism")
SLICE_PROFILES = ("box", "gaussian")
EVIDENCE_METHODS = ("auto", "values", "labels", "weighted", "nsd", "fwhm", "otsu", "gmm")
LGE_TYPES = ("auto", "magnitude", "psir")
MODELS = ("field", "network", "nearest", "linear", "logodds")
PRESETS = ("preview", "standard", "fine")
WALL_BASES = ("flat", "contour")
PAPILLARY_MUSCLES = ("cavity", "wall")
RECIPES = ("modern", "original")
DEVICES = ("auto", "cpu", "cuda")
ALIGNMENT_SOURCES = ("mask", "contours", "image")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadSettings(f"{name} is '{value}'; it has to be one of {', '.join(allowed)}.")


@dataclass(frozen=True)
class OperatorSettings:
    """How a pixel sees the wall.

    pixel_support: "wall", a pixel is the mean over the wall inside its prism; or "prism", it is
        the mean over its whole prism with everything outside the wall counting zero.
    slice_profile: sensitivity along the slice normal: "box" over the slice thickness, or
        "gaussian" with its full width at half maximum equal to the thickness.
    """

    pixel_support: str = "wall"
    slice_profile: str = "box"

    def __post_init__(self) -> None:
        _one_of("Pixel support", self.pixel_support, PIXEL_SUPPORTS)
        _one_of("Slice profile", self.slice_profile, SLICE_PROFILES)


@dataclass(frozen=True)
class EvidenceSettings:
    """From pixels to scar evidence in [0, 1].

    method: "auto" looks at the pixels; "values" are in [0, 1] already; "labels" is a label map;
        the others are LGE intensity methods.
    lge_type: whether LGE intensities are magnitude or phase-sensitive (PSIR).
    n_sd: standard deviations above remote myocardium for "nsd".
    null_level: intensity of nulled signal in a PSIR image; None estimates it.
    scar_labels: label values that mean scar; None takes every non-zero label, or the well-known one.
    """

    method: str = "auto"
    lge_type: str = "auto"
    n_sd: float = 5.0
    null_level: float | None = None
    scar_labels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _one_of("Evidence method", self.method, EVIDENCE_METHODS)
        _one_of("LGE type", self.lge_type, LGE_TYPES)
        if not 0 < self.n_sd < 100:
            raise BadSettings(f"The number of standard deviations is {self.n_sd}; it has to be between 0 and 100.")


@dataclass(frozen=True)
class NetworkSettings:
    """The model "network": a coordinate network with Monte Carlo dropout, in PyTorch.

    recipe: how it is trained: "modern", or "original" as Sen et al. 2025 and the original cardioscar train it.
    device: "auto" takes a GPU where there is one.
    width, depth: hidden units and hidden layers. dropout: rate.
    epochs, patience, batch_size (points), training_samples (dropout samples per step), lowest_rate, highest_rate (of
        learning), half_cycle (batches from the lowest rate to the highest): None leaves them to the recipe. patience: epochs
        without a better held-out error before it stops.
    """

    recipe: str = "modern"
    device: str = "auto"
    width: int = 128
    depth: int = 4
    dropout: float = 0.1
    epochs: int | None = None
    patience: int | None = None
    batch_size: int | None = None
    training_samples: int | None = None
    lowest_rate: float | None = None
    highest_rate: float | None = None
    half_cycle: int | None = None

    def __post_init__(self) -> None:
        _one_of("Recipe", self.recipe, RECIPES)
        _one_of("Device", self.device, DEVICES)
        if not 0 < self.dropout < 1:
            raise BadSettings(f"The dropout rate is {self.dropout}; it has to lie between 0 and 1.")
        for name, value, low, high in (
            ("The width of the network", self.width, 1, 8192),
            ("The number of hidden layers", self.depth, 2, 64),
            ("The number of epochs", self.epochs, 1, 1_000_000),
            ("The patience", self.patience, 1, 1_000_000),
            ("The batch size", self.batch_size, 1, 10**9),
            ("The number of training samples", self.training_samples, 1, 1000),
            ("The lowest learning rate", self.lowest_rate, 1e-8, 1.0),
            ("The highest learning rate", self.highest_rate, 1e-8, 1.0),
            ("The half cycle of the learning rate", self.half_cycle, 1, 10**9),
        ):
            if value is not None and not low <= value <= high:
                raise BadSettings(f"{name} is {value}; it has to be between {low:g} and {high:g}.")


@dataclass(frozen=True)
class ModelSettings:
    """How the field between the slices is found.

    model: "field", "network", or one of the baselines "nearest", "linear", "logodds".
    preset: "preview", "standard" or "fine", for the model "field".
    samples: joint samples behind the uncertainty.
    seed: of everything random in the fit and in the samples.
    network: for the model "network".
    """

    model: str = "field"
    preset: str = "standard"
    samples: int = 64
    seed: int = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def __post_init__(self) -> None:
        _one_of("Model", self.model, MODELS)
        _one_of("Preset", self.preset, PRESETS)
        if not 2 <= self.samples <= 10_000:
            raise BadSettings(f"The number of samples is {self.samples}; it has to be between 2 and 10000.")
        if not 0 <= self.seed < 2**32:
            raise BadSettings(f"The seed is {self.seed}; it has to be between 0 and 4294967295.")


@dataclass(frozen=True)
class ReconstructionSettings:
    """All of it, plus the threshold of `scar_binary` (None: no such array)."""

    operator: OperatorSettings = field(default_factory=OperatorSettings)
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise BadSettings(f"The threshold is {self.threshold}; it has to lie between 0 and 1.")

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> ReconstructionSettings:
        """The settings that `as_dict`, or JSON made of it, came from."""
        return _from_dict(cls, values)


def _from_dict(kind: type, values: dict):
    types = get_type_hints(kind)
    made = {}
    for name, value in values.items():
        if is_dataclass(types.get(name)):
            made[name] = _from_dict(types[name], value)
        else:
            made[name] = tuple(value) if isinstance(value, list) else value
    return kind(**made)


@dataclass(frozen=True)
class AlignmentSettings:
    """How slices are moved in their planes to fit the wall, where that is asked for.

    largest_shift: mm that a slice may be moved by.
    wall_labels: label values of the wall in a mask; None takes those that lie on the wall.
    """

    largest_shift: float = 10.0
    wall_labels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.largest_shift <= 50:
            raise BadSettings(f"The largest shift of a slice is {self.largest_shift} mm; it has to be more than 0 and at most 50.")

    @classmethod
    def from_dict(cls, values: dict) -> AlignmentSettings:
        """The settings that `asdict`, or JSON made of it, came from."""
        return _from_dict(cls, values)


@dataclass(frozen=True)
class WallSettings:
    """How an LV wall is made from contours, a label map or surfaces.

    edge_length: mean edge of the tetrahedra, mm.
    base: where the wall ends above: "flat" in a plane through the middle between the last slice with wall and the next
        one, tilted where the labels show it; "contour" in the plane of the last complete contour.
    base_at: for a flat base, how far above the middle of the last complete contour it lies, mm; None leaves it to `base`.
    keep_largest: islands of a label are left out; the largest piece stays.
    fill_holes: holes in the wall that are not the cavity become wall.
    papillary_muscles: they and trabeculae belong to the "cavity", or to the "wall" as they were labeled.
    smoothing: width of the Gaussian that rounds the steps of label outlines, pixels; 0 leaves them.
    """

    edge_length: float = 2.0
    base: str = "flat"
    base_at: float | None = None
    keep_largest: bool = True
    fill_holes: bool = True
    papillary_muscles: str = "cavity"
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        _one_of("Base", self.base, WALL_BASES)
        _one_of("Papillary muscles", self.papillary_muscles, PAPILLARY_MUSCLES)
        if self.base_at is not None and self.base != "flat":
            raise BadSettings(f"The base cannot lie both {self.base_at:g} mm above the last contour and in its plane; choose one.")
        if self.base_at is not None and not -100 <= self.base_at <= 50:
            raise BadSettings(f"The base is {self.base_at:g} mm above the last contour; it has to be between -100 and 50.")
        if not 0.5 <= self.edge_length <= 5:
            raise BadSettings(f"The edge length is {self.edge_length} mm; it has to be between 0.5 and 5.")
        if not 0 <= self.smoothing <= 5:
            raise BadSettings(f"The smoothing is {self.smoothing} pixels; it has to be between 0 and 5.")
