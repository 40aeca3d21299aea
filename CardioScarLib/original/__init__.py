"""The original cardioscar's functions under their own names: its scripts need another import, and little else.

    from CardioScarLib.original import PreprocessingRequest, prepare_training_data, TrainingConfig, train_scar_model, ...

They do what the commands prepare, train, fine-tune and apply do, by the recipe `original`. What differs: save_* keeps existing
files unless overwrite=True; values are stretched to 0-1 only with normalize="minmax"; Ctrl-C ends a training and returns the
best network so far. Assumptions are logged as warnings.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.io.checkpoints import as_original, from_original, read_checkpoint, write_checkpoint
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall, write_mesh
from CardioScarLib.io.training_data import TrainingData, read_training_data, write_training_data
from CardioScarLib.original import apply as _apply
from CardioScarLib.original import prepare as _prepare
from CardioScarLib.original import training as _training

if TYPE_CHECKING:
    import torch

__all__ = [
    "FineTuneConfig",
    "InferenceResult",
    "PreprocessingRequest",
    "PreprocessingResult",
    "TrainingConfig",
    "apply_scar_model",
    "fine_tune_scar_model",
    "prepare_training_data",
    "save_inference_result",
    "save_preprocessing_result",
    "save_trained_model",
    "train_scar_model",
]

LAYOUT = 2
"""Of the networks trained here: the one that the original's own `apply` loads."""
LOGGED_EPOCHS = 100

logger = logging.getLogger(__name__)


@dataclass
class PreprocessingRequest:
    """Slices as one image, or as grid layers, and the mesh. slice_thickness_padding: mm to both sides of a grid layer."""

    mesh_path: Path
    slice_thickness_padding: float = 5.0
    vtk_grid_paths: Sequence[Path] | None = None
    vtk_scalar_field: str = "ScalarValue"
    image_path: Path | None = None
    slice_axis: str | None = "z"
    slice_indices: Sequence[int] | None = None
    exclude_zero_intensity: bool = False
    normalize: str = "none"

    def __post_init__(self) -> None:
        if (self.vtk_grid_paths is None) == (self.image_path is None):
            raise BadSettings("Give the slices either as vtk_grid_paths or as image_path.")


@dataclass
class PreprocessingResult:
    """coordinates: (n, 3) scaled to 0..1. intensities: (n, 1). group_ids: (n,). group_sizes: (m,). scaler_min, scaler_max: (3,) mm."""

    coordinates: np.ndarray
    intensities: np.ndarray
    group_ids: np.ndarray
    group_sizes: np.ndarray
    scaler_min: np.ndarray
    scaler_max: np.ndarray
    n_nodes: int
    n_groups: int


@dataclass
class TrainingConfig:
    """lr_step_size: batches from the lowest learning rate to the highest. early_stopping_patience: epochs without a better one."""

    batch_size: int = 10_000
    max_epochs: int = 10_000
    early_stopping_patience: int = 500
    mc_samples: int = 3
    base_lr: float = 1e-3
    max_lr: float = 1e-2
    lr_step_size: int = 2000
    dropout_rate: float = 0.1
    hidden_size: int = 128
    n_hidden_layers: int = 4
    seed: int = 42

    def __post_init__(self) -> None:
        self.settings("auto")

    def settings(self, device: str) -> NetworkSettings:
        """In this library's words, and checked by it."""
        return NetworkSettings(
            "original",
            device,
            self.hidden_size,
            self.n_hidden_layers,
            self.dropout_rate,
            epochs=self.max_epochs,
            patience=self.early_stopping_patience,
            batch_size=self.batch_size,
            training_samples=self.mc_samples,
            lowest_rate=self.base_lr,
            highest_rate=self.max_lr,
            half_cycle=self.lr_step_size,
        )


def _fine_tuning() -> TrainingConfig:
    return TrainingConfig(max_epochs=1000, early_stopping_patience=200, base_lr=1e-4, max_lr=1e-3, lr_step_size=500)


@dataclass
class FineTuneConfig:
    """freeze_stages: hidden layers, from the first, that keep their weights. The architecture comes from the checkpoint."""

    training: TrainingConfig = field(default_factory=_fine_tuning)
    freeze_stages: int = 0


@dataclass
class InferenceResult:
    """mean_predictions, std_predictions: (n,) float32. binary_predictions: (n,) 0 or 1, None without a threshold."""

    mean_predictions: np.ndarray
    std_predictions: np.ndarray
    binary_predictions: np.ndarray | None
    n_nodes: int
    mean_scar_probability: float
    mean_uncertainty: float


def prepare_training_data(request: PreprocessingRequest) -> PreprocessingResult:
    wall = read_wall(request.mesh_path).wall
    layers = request.vtk_grid_paths is not None
    paths = [path for path in (*(request.vtk_grid_paths or ()), request.image_path) if path is not None]
    thickness = 2 * request.slice_thickness_padding if layers else None
    stack = read_stack(paths, request.slice_axis, request.slice_indices, thickness, request.vtk_scalar_field)
    data = _prepare.prepare(wall, stack, request.normalize, request.exclude_zero_intensity)
    _log(data.notes)
    return PreprocessingResult(
        data.coordinates.astype(np.float32),
        data.values.astype(np.float32)[:, None],
        data.group.astype(np.int32),
        data.group_sizes.astype(np.int32),
        data.minimum,
        data.maximum,
        len(data.group),
        len(data.group_sizes),
    )


def save_preprocessing_result(result: PreprocessingResult, output_path: Path, overwrite: bool = False) -> None:
    data = TrainingData(result.coordinates, result.intensities[:, 0], result.group_ids, result.scaler_min, result.scaler_max)
    write_training_data(data, _in_a_folder(output_path), overwrite)


def train_scar_model(training_data_path: Path, config: TrainingConfig, device: torch.device | str | None = None) -> dict:
    """The checkpoint as the original keeps it: model_state_dict, history, hyperparameters, dataset_info."""
    data = read_training_data(training_data_path)
    _log(data.notes)
    return _checkpoint(_training.train(data, config.settings(_device(device)), config.seed, LAYOUT, _log_epoch))


def fine_tune_scar_model(
    training_data_path: Path, checkpoint_path: Path, config: FineTuneConfig, device: torch.device | str | None = None
) -> dict:
    """As `train_scar_model`, with fine_tuned_from and freeze_stages."""
    data, parent = read_training_data(training_data_path), read_checkpoint(checkpoint_path)
    _log(data.notes)
    settings = config.training.settings(_device(device))
    path, stages, seed = Path(checkpoint_path), config.freeze_stages, config.training.seed
    return _checkpoint(_training.fine_tune(data, parent, path, settings, stages, seed, _log_epoch))


def save_trained_model(checkpoint: dict, output_path: Path, overwrite: bool = False) -> None:
    """Write `.pth`, or `.safetensors`."""
    state = {name: np.asarray(values) for name, values in checkpoint["model_state_dict"].items()}
    path = _in_a_folder(output_path)
    write_checkpoint(from_original({**checkpoint, "model_state_dict": state}, path.name), path, overwrite)


def apply_scar_model(
    model_checkpoint_path: Path,
    mesh_path: Path,
    mc_samples: int = 10,
    batch_size: int = 50_000,
    threshold: float | None = None,
    device: torch.device | str | None = None,
    seed: int = 42,
) -> InferenceResult:
    checkpoint, wall = read_checkpoint(model_checkpoint_path), read_wall(mesh_path).wall
    found = _apply.apply(checkpoint, wall, mc_samples, seed, _device(device), batch_size, threshold)
    _log(found.notes)
    mean, deviation = found.arrays["scar_probability"], found.arrays["scar_uncertainty"]
    return InferenceResult(mean, deviation, found.arrays.get("scar_binary"), len(mean), float(mean.mean()), float(deviation.mean()))


def save_inference_result(result: InferenceResult, mesh_path: Path, output_path: Path, overwrite: bool = False) -> None:
    arrays = {"scar_probability": result.mean_predictions, "scar_uncertainty": result.std_predictions}
    if result.binary_predictions is not None:
        arrays["scar_binary"] = result.binary_predictions
    write_mesh(read_wall(mesh_path), arrays, _in_a_folder(output_path), overwrite)


def _checkpoint(result: _training.Training) -> dict:
    import torch

    _log(result.notes)
    if result.interrupted:
        logger.warning("The training was stopped; the best network so far is returned.")
    content = as_original(result.checkpoint)
    return {**content, "model_state_dict": {name: torch.tensor(values) for name, values in content["model_state_dict"].items()}}


def _device(device: torch.device | str | None) -> str:
    return "auto" if device is None else str(device).partition(":")[0]


def _in_a_folder(path: Path) -> Path:
    """The path, its folder made if need be, as the original does."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def _log(notes: Sequence[str]) -> None:
    for note in notes:
        logger.warning(note)


def _log_epoch(done: int, epochs: int, loss: float, rate: float) -> None:
    if done % LOGGED_EPOCHS == 0:
        logger.info("Epoch %d of %d, loss %.6f, rate %.2e", done, epochs, loss, rate)
