"""The configuration file of the original program (config/default.yaml), as values of our flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import BadSettings, MissingPackage, UnreadableFile
from CardioScarLib.io.files import check_readable

TRAIN = {
    ("train", "batch_size"): "settings_batch_size",
    ("train", "lr"): "settings_rate",
    ("train", "epochs"): "epochs",
    ("train", "device"): "settings_device",
    ("train", "val_size"): "settings_validation",
    ("project", "seed"): "settings_seed",
}
FIND = {
    ("model", "weights"): "weights",
    ("test", "threshold"): "settings_threshold",
    ("test", "device"): "settings_device",
    ("test", "n_visualize"): "pictures_of",
    ("dae", "weights"): "dae",
    ("postprocess", "min_comp_voxels"): "settings_tidy_smallest",
    ("postprocess", "keep_largest_only"): "settings_tidy_largest_only",
    ("postprocess", "hole_size_threshold"): "settings_tidy_largest_hole",
    ("postprocess", "closing_structure_radius"): "settings_tidy_closing",
    ("postprocess", "median_filter_size"): "settings_tidy_median",
    ("postprocess", "smoothing_sigma"): "settings_tidy_gaussian",
}
NAMES = {
    ("data", "vols_dir"): "volumes",
    ("data", "masks_dir"): "masks",
    ("data", "vol_suffix"): "volume_suffix",
    ("data", "mask_suffix"): "mask_suffix",
    ("data", "allow_mask_as_volume"): "allow_mask_as_volume",
    ("data", "recursive"): "recursive",
}
TIDY_STEPS = ("smallest", "largest_hole", "closing", "median", "gaussian")
FIXED = {
    ("preprocess", "target_shape"): [64, 64, 56],
    ("preprocess", "normalize"): True,
    ("model", "name"): "UNet3D",
    ("model", "in_channels"): 1,
    ("model", "out_channels"): 1,
    ("model", "init_features"): 32,
    ("train", "loss"): "BCEWithLogitsLoss",
    ("train", "shuffle"): True,
    ("postprocess", "threshold"): 0.5,
}
"""Keys whose value is the same in every run here; another one is refused, since it would have no effect."""


def flags_from(path: Path, known: Mapping[tuple[str, str], str]) -> tuple[dict[str, Any], list[str]]:
    """Values by the name of our parameters, of what the file says, and a sentence about keys without effect on this command.

    known: which of its keys this command has a use for. Raises BadSettings for a value that would be ignored silently otherwise,
    UnreadableFile and MissingPackage.
    """
    sections = _read(check_readable(path))
    found: dict[str, Any] = {}
    idle = []
    for section, values in sections.items():
        if not isinstance(values, Mapping):
            raise BadSettings(f"{path.name}: '{section}' must be a section with keys, as in the original default.yaml.")
        for key, value in values.items():
            place = (str(section), str(key))
            if place in FIXED and value != FIXED[place]:
                raise BadSettings(f"{path.name}: '{section}: {key}' is {value}; only {FIXED[place]} is possible here.")
            if place in known and value not in ("", None):
                found[known[place]] = value
            elif place not in FIXED and place not in known:
                idle.append(f"{section}: {key}")
    dae = sections.get("dae")
    if isinstance(dae, Mapping) and ("dae", "weights") in known:
        idle = [one for one in idle if one != "dae: enable"]
        if not dae.get("enable"):
            found.pop("dae", None)
        elif "dae" not in found:
            raise BadSettings(f"{path.name}: 'dae: enable' is {dae['enable']}, but there are no 'dae: weights'.")
    if "dae" in found:
        found["dae"] = Path(str(found["dae"]))
    if "settings_validation" in found:
        found["settings_validation"] = 100 * found["settings_validation"]
    post = sections.get("postprocess")
    if isinstance(post, Mapping) and post.get("enable") is False and ("test", "threshold") in known:
        found.update({f"settings_tidy_{step}": 0 for step in TIDY_STEPS}, settings_tidy_largest_only=False)
        idle = [one for one in idle if one != "postprocess: enable"]
    return found, [f"{path.name}: without effect on this command: {', '.join(idle)}."] if idle else []


def _read(path: Path) -> Mapping[str, Any]:
    try:
        import yaml
    except ImportError as problem:
        raise MissingPackage("Configuration files need PyYAML, which is not installed here: `pip install pyyaml`.") from problem
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UnreadableFile(f"{path.name} is not a YAML file.") from problem
    if not isinstance(values, Mapping):
        raise UnreadableFile(f"{path.name} holds no sections, as the original default.yaml does.")
    return values
