"""All choices of the user. Their names, defaults, limits, units and explanations are written here only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from CardioScarLib.core.choices import Settings, choice, settings_from, whole
from CardioScarLib.core.errors import BadSettings

MOST_SEEDS = 2**31 - 1


def _(text: str) -> str:
    """Marks words for translation: the panel shows them in the user's language."""
    return text


def _contour_sd() -> Any:
    return choice(
        0.0,
        _("Contour error"),
        _(
            "Standard deviation by which the contours of the wall may lie off, as by a pixel; it widens the intervals of scar and LV "
            "volume, mass and burden (0 takes the wall as certain)."
        ),
        limits=(0.0, 5.0),
        unit="mm",
        flag="--contour-sd",
        metavar="MM",
    )


@dataclass(frozen=True)
class ReadingSettings(Settings):
    """How files are read."""

    slice_axis: str | None = choice(
        None,
        _("Slice axis"),
        _("Index axis of a volume that runs across its slices; z if not given."),
        options=("x", "y", "z"),
        flag="--slice-axis",
        metavar="x|y|z",
    )
    slice_indices: tuple[int, ...] | None = choice(
        None, _("Slices"), _("Use these slices only, counted from 0."), flag="--slice-indices", metavar='"2,5,8"'
    )
    slice_thickness: float | None = choice(
        None,
        _("Slice thickness"),
        _("Slice thickness (default: that of the file or, without one, the slice spacing)."),
        limits=(0.01, 100.0),
        unit="mm",
        flag="--slice-thickness",
        metavar="MM",
    )
    series: str | None = choice(
        None,
        _("DICOM series"),
        _("Series of a DICOM folder to use, as cardioscar info numbers them; LGE if not given."),
        flag="--series",
        metavar='"5"|"5.2"|"5,7"',
    )
    mesh_frame: str = choice(
        "auto",
        _("Frame of the mesh"),
        _("Coordinate system of the mesh; auto uses what the file states, otherwise LPS."),
        options=("auto", "lps", "ras"),
        flag="--mesh-frame",
    )
    mesh_unit: str = choice(
        "auto",
        _("Unit of the mesh"),
        _("Length unit of the mesh; auto infers it from the size of the model."),
        options=("auto", "mm", "um", "cm", "m"),
        flag="--mesh-unit",
    )
    mesh_regions: tuple[int, ...] | None = choice(
        None,
        _("Regions of the mesh"),
        _("Region tags of the cells that make the LV wall; needed if the mesh has several."),
        flag="--region",
        metavar='"1,2"',
    )
    scalar_field: str = choice("ScalarValue", _("Layer array"), _("Array of legacy VTK layers."), flag="--vtk-scalar-field", metavar="NAME")


@dataclass(frozen=True)
class OperatorSettings(Settings):
    """How a pixel sees the myocardium."""

    pixel_support: str = choice(
        "wall",
        _("Partial volume"),
        _("Which tissue a pixel averages."),
        options={
            "wall": (_("Myocardium only"), _("A pixel at the border of the myocardium shows the part of it that is myocardium.")),
            "prism": (_("Whole voxel"), _("A pixel at the border of the myocardium is darkened by other tissue.")),
        },
        flag="--pixel-support",
    )
    slice_profile: str = choice(
        "box",
        _("Slice profile"),
        _("Sensitivity through the slice."),
        options={
            "box": (_("Uniform"), _("A slice is equally sensitive through its thickness.")),
            "gaussian": (_("Gaussian"), _("A slice is most sensitive in its middle; the thickness is the full width at half maximum.")),
        },
        flag="--slice-profile",
    )


@dataclass(frozen=True)
class EvidenceSettings(Settings):
    """From pixels to scar evidence in [0, 1]."""

    method: str = choice(
        "auto",
        _("Method"),
        _("How pixels become scar evidence."),
        options={
            "auto": (_("Automatic"), _("Recognizes label maps and values between 0 and 1; all else is read by the spatial mixture.")),
            "values": (_("Values between 0 and 1"), _("The pixels already are fractions of scar.")),
            "labels": (_("Label map"), _("The pixels are labels, at least one of which means scar.")),
            "spatial": (
                _("Spatial mixture"),
                _("Tests whether there is scar, and finds patches of it within the wall's borders."),
            ),
            "ewa": (_("EWA"), _("Two populations of the whole LV, weighted by intensity, plausible infarcts only (Engblom 2016).")),
            "fact": (_("FACT"), _("Half way from remote to the brightest infarct, in two steps, plausible infarcts only (Hsu 2006).")),
            "weighted": (_("Weighted intensity"), _("A pixel counts by its brightness from remote to scar (Heiberg 2008).")),
            "nsd": (_("Standard deviations above remote"), _("A pixel is scar if it is n SD brighter than remote myocardium.")),
            "fwhm": (
                _("Half of the maximum (FWHM)"),
                _("A pixel is scar if it exceeds half of the brightest scar; not for PSIR."),
            ),
            "otsu": (_("Otsu's threshold"), _("The threshold that best separates two groups of intensities; it always finds two.")),
            "gmm": (_("Two normal distributions"), _("The probability of the brighter of two groups of intensities.")),
            "rician": (
                _("Rice and normal distribution"),
                _("The same for magnitude images, whose noise is not normal."),
            ),
        },
        flag="--evidence",
    )
    lge_type: str = choice(
        "auto",
        _("LGE type"),
        _("Kind of LGE image."),
        options={
            "auto": (_("Automatic"), _("Inferred from the intensities.")),
            "magnitude": (_("Magnitude"), _("Intensities without a sign: nulled signal is 0.")),
            "psir": (_("Phase-sensitive (PSIR)"), _("Intensities with a sign or an offset: nulled signal is not 0.")),
        },
        flag="--lge-type",
    )
    n_sd: float = choice(
        5.0,
        _("Standard deviations"),
        _("Standard deviations above remote myocardium, for the method nsd."),
        limits=(0.01, 100.0),
        usual=(1.0, 10.0),
        flag="--n-sd",
        metavar="N",
    )
    null_level: float | None = choice(
        None,
        _("Null level"),
        _("Intensity of nulled signal in a PSIR image; estimated if not given."),
        flag="--null-level",
        metavar="X",
    )
    remote_region: tuple[float, ...] | None = choice(
        None,
        _("Remote region"),
        _("A sphere in remote myocardium, center and radius; found automatically if not given."),
        unit="mm, LPS",
        flag="--remote-region",
        metavar='"X,Y,Z,RADIUS"',
    )
    bias_field: str = choice(
        "none",
        _("Bias field"),
        _("Shading of surface coils."),
        options={
            "none": (_("Not corrected"), _("Shading is accounted for by the spatial mixture only.")),
            "n4": (_("N4"), _("Corrected by N4 in each slice; for magnitude images.")),
        },
        flag="--bias-field",
    )
    scar_labels: tuple[int, ...] | None = choice(
        None,
        _("Scar labels"),
        _("Label values that mean scar; if not given, the only label, or those of a known data set."),
        flag="--scar-labels",
        metavar='"3,4"',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        region = self.remote_region
        if region is not None and (len(region) != 4 or not region[3] > 0):
            given = ", ".join(f"{number:g}" for number in region)
            raise BadSettings(f"The remote region is '{given}'; it must be x, y, z (mm, LPS) and a radius above 0, separated by commas.")


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """The model "network": a coordinate network with Monte Carlo dropout, in PyTorch. None leaves a value to the recipe."""

    recipe: str = choice(
        "modern",
        _("Recipe"),
        _("How the network is trained."),
        options={
            "modern": (_("Modern"), _("More accurate in less time.")),
            "original": (_("As in the original"), _("As Sen et al. 2025 and the original cardioscar train it.")),
        },
        flag="--recipe",
    )
    device: str = choice(
        "auto",
        _("Device"),
        _("Where the network is trained; cuda also fits the model field there."),
        options={
            "auto": (_("Automatic"), _("The network on a GPU if PyTorch can use one; the field on the CPU.")),
            "cpu": (_("CPU"), _("Only the CPU.")),
            "cuda": (_("GPU"), _("Only the GPU, also for the field; the run stops with a message if there is none.")),
        },
        flag="--device",
    )
    width: int = choice(
        128, _("Hidden units"), _("Units in a hidden layer of the network."), limits=(1, 8192), flag="--hidden-size", metavar="N"
    )
    depth: int = choice(4, _("Hidden layers"), _("Hidden layers of the network."), limits=(2, 64), flag="--hidden-layers", metavar="N")
    dropout: float = choice(
        0.1, _("Dropout rate"), _("Dropout rate of the network."), limits=(1e-6, 1 - 1e-6), flag="--dropout", metavar="P"
    )
    epochs: int | None = choice(
        None, _("Epochs"), _("Maximum number of epochs, instead of the recipe's."), limits=(1, 1_000_000), flag="--max-epochs", metavar="N"
    )
    patience: int | None = choice(
        None,
        _("Patience"),
        _("Epochs without a smaller held-out error before the network's training stops; if not given, the recipe's."),
        limits=(1, 1_000_000),
        flag="--patience",
        metavar="N",
    )
    batch_size: int | None = choice(None, _("Batch size"), _("Points in a batch."), limits=(1, 10**9))
    training_samples: int | None = choice(None, _("Training samples"), _("Dropout samples per step."), limits=(1, 1000))
    lowest_rate: float | None = choice(None, _("Lowest learning rate"), _("At the ends of a cycle."), limits=(1e-8, 1.0))
    highest_rate: float | None = choice(None, _("Highest learning rate"), _("In the middle of a cycle."), limits=(1e-8, 1.0))
    half_cycle: int | None = choice(None, _("Half cycle"), _("Batches from the lowest rate to the highest."), limits=(1, 10**9))


@dataclass(frozen=True)
class ModelSettings(Settings):
    """How scar between the slices is found."""

    model: str = choice(
        "field",
        _("Model"),
        _("How scar between the slices is found."),
        options={
            "field": (_("Field (recommended)"), _("A small network of position, fitted to what each pixel averages; with uncertainty.")),
            "network": (_("Neural network with dropout"), _("The network of Sen et al. 2025; needs PyTorch, faster with a GPU.")),
            "nearest": (_("Nearest slice"), _("Each point takes the value of the nearest slice; for comparison. No uncertainty.")),
            "linear": (_("Linear between slices"), _("Linear interpolation of neighboring slices; for comparison. No uncertainty.")),
            "logodds": (_("Log-odds between slices"), _("Interpolation of the scar's outline; for comparison. No uncertainty.")),
        },
        flag="--model",
    )
    preset: str = choice(
        "standard",
        _("Preset"),
        _("Effort of the model field."),
        options={
            "preview": (_("Preview"), _("A first look, in about a second.")),
            "standard": (_("Standard"), _("Takes several seconds.")),
            "fine": (_("Fine"), _("Takes longer; for small scars and narrow channels.")),
        },
        flag="--preset",
    )
    samples: int = choice(
        64,
        _("Samples"),
        _("Number of joint samples for the uncertainty."),
        limits=(2, 10_000),
        usual=(2, 1000),
        flag="--samples",
        metavar="N",
    )
    seed: int = choice(
        0,
        _("Seed"),
        _("Start of all random numbers; the same seed gives the same map."),
        limits=(0, MOST_SEEDS),
        flag="--seed",
        metavar="N",
    )
    jobs: int = choice(
        1,
        _("Cores"),
        _("Number of cores that the model field uses; the map does not depend on it."),
        limits=(1, 64),
        flag="--jobs",
        metavar="N",
    )
    network: NetworkSettings = whole(NetworkSettings)


@dataclass(frozen=True)
class ReconstructionSettings(Settings):
    """All choices of a reconstruction."""

    operator: OperatorSettings = whole(OperatorSettings)
    evidence: EvidenceSettings = whole(EvidenceSettings)
    model: ModelSettings = whole(ModelSettings)
    threshold: float | None = choice(
        None,
        _("Threshold"),
        _("Scar probability from which on a point counts as scar, as written into scar_binary."),
        limits=(0.01, 0.99),
        flag="--threshold",
        metavar="T",
    )
    contour_sd: float = _contour_sd()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def of_field(self) -> dict[str, Any]:
        """Those of `as_dict` that the field depends on; the others say how it is told."""
        return {name: value for name, value in self.as_dict().items() if name not in ("threshold", "contour_sd")}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ReconstructionSettings:
        """The settings that `as_dict`, or JSON made of it, came from."""
        return settings_from(cls, values)

    def with_evidence(self, **changes: Any) -> ReconstructionSettings:
        """The same settings with other choices of evidence."""
        return replace(self, evidence=replace(self.evidence, **changes))


@dataclass(frozen=True)
class AlignmentSettings(Settings):
    """How slices are moved in their planes to fit the myocardium, if requested."""

    largest_shift: float = choice(
        10.0,
        _("Maximum shift"),
        _("Maximum shift per slice."),
        limits=(0.01, 50.0),
        unit="mm",
        flag="--largest-shift",
        metavar="MM",
    )
    wall_labels: tuple[int, ...] | None = choice(
        None,
        _("Myocardium labels"),
        _("Label values of the myocardium in the mask; if not given, those that lie on the LV wall."),
        flag="--wall-labels",
        metavar='"2,3"',
    )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AlignmentSettings:
        """The settings that `asdict`, or JSON made of it, came from."""
        return settings_from(cls, values)


@dataclass(frozen=True)
class AdviceSettings(Settings):
    """Which further slices are considered."""

    kind: str = choice(
        "any",
        _("Planes"),
        _("Planes to consider for a further slice."),
        options={
            "any": (_("All"), _("Short-axis and long-axis planes.")),
            "short": (_("Short axis"), _("Short-axis planes only.")),
            "long": (_("Long axis"), _("Long-axis planes only.")),
        },
        flag="--kind",
    )
    thickness: float | None = choice(
        None,
        _("Thickness"),
        _("Thickness of the further slice (default: that of the stack)."),
        limits=(0.1, 20.0),
        unit="mm",
        flag="--thickness",
        metavar="MM",
    )
    count: int = choice(5, _("Proposals"), _("Maximum number of proposals."), limits=(1, 50), flag="--count", metavar="N")


@dataclass(frozen=True)
class QuantifySettings(Settings):
    """Which numbers of a map are told."""

    thresholds: tuple[float, ...] = choice(
        (0.4, 0.6),
        _("Thresholds"),
        _("Local scar fraction from which on tissue is border zone, and from which on it is core; not signal intensity."),
        flag="--thresholds",
        metavar='"0.4,0.6"',
    )
    interval: float = choice(
        90.0,
        _("Interval"),
        _("Probability with which an interval holds the true value, as far as the map knows."),
        limits=(50.0, 99.9),
        unit="%",
        flag="--interval",
        metavar="PERCENT",
    )
    samples: int = choice(
        64,
        _("Samples"),
        _("Number of joint samples that the intervals and the channels come from."),
        limits=(2, 10_000),
        usual=(2, 1000),
        flag="--samples",
        metavar="N",
    )
    contour_sd: float = _contour_sd()
    signal: bool = choice(
        False,
        _("Also by signal intensity"),
        _(
            "Also tell core, border zone and channels at 60 and 40 % of the maximal signal intensity, as the border-zone literature does. "
            "It takes the slices and another fit."
        ),
        flag="--signal",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.thresholds) != 2 or not 0 < self.thresholds[0] < self.thresholds[1] < 1:
            told = ", ".join(f"{one:g}" for one in self.thresholds) or "missing"
            raise BadSettings(
                f"The thresholds are {told}; they must be two scar fractions between 0 and 1, that of the border zone first and that of "
                "the core, which is larger, second."
            )


@dataclass(frozen=True)
class WallSettings(Settings):
    """How an LV wall is made from contours, a label map or surfaces."""

    edge_length: float = choice(
        2.0,
        _("Edge length"),
        _("Mean edge length of the tetrahedra."),
        limits=(0.5, 5.0),
        unit="mm",
        flag="--edge-length",
        metavar="MM",
    )
    base: str = choice(
        "flat",
        _("Base"),
        _("Where the LV wall ends at the base."),
        options={
            "flat": (
                _("Flat"),
                _("A plane midway between the last slice with myocardium and the next, tilted where the labels show it."),
            ),
            "contour": (_("Contour"), _("The plane of the last complete contour.")),
        },
        flag="--base",
    )
    base_at: float | None = choice(
        None,
        _("Basal plane"),
        _("Height of a flat base above the middle of the last complete contour."),
        limits=(-100.0, 50.0),
        unit="mm",
        flag="--base-at",
        metavar="MM",
    )
    keep_largest: bool = choice(True, _("Largest piece"), _("Keep only the largest piece of a label; islands are omitted."))
    fill_holes: bool = choice(True, _("Fill holes"), _("Holes in the myocardium that are not the cavity become myocardium."))
    papillary_muscles: str = choice(
        "cavity",
        _("Papillary muscles"),
        _("Where papillary muscles and trabeculae belong."),
        options={
            "cavity": (_("Cavity"), _("They belong to the cavity.")),
            "wall": (_("Myocardium"), _("They belong to the myocardium, as labeled.")),
        },
        flag="--papillary-muscles",
    )
    smoothing: float = choice(
        1.0,
        _("Smoothing"),
        _("Width of the Gaussian that rounds the steps of label outlines (0 keeps them)."),
        limits=(0.0, 5.0),
        unit="pixels",
        flag="--smoothing",
        metavar="PIXELS",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.base_at is not None and self.base != "flat":
            raise BadSettings(f"The base cannot lie both {self.base_at:g} mm above the last contour and in its plane; choose one.")
