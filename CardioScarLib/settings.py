"""What a person can choose, one typed dataclass per stage; defaults and limits are written here only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from CardioScarLib.errors import BadSettings

PIXEL_SUPPORTS = ("wall", "prism")
SLICE_PROFILES = ("box", "gaussian")
EVIDENCE_METHODS = ("auto", "values", "labels", "weighted", "nsd", "fwhm", "otsu", "gmm")
LGE_TYPES = ("auto", "magnitude", "psir")
MODELS = ("field", "nearest", "linear", "logodds")
PRESETS = ("preview", "standard", "fine")


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
class ModelSettings:
    """How the field between the slices is found.

    model: "field", or one of the baselines "nearest", "linear", "logodds".
    preset: "preview", "standard" or "fine", for the model "field".
    samples: joint samples behind the uncertainty.
    seed: of everything random in the fit and in the samples.
    """

    model: str = "field"
    preset: str = "standard"
    samples: int = 64
    seed: int = 0

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
