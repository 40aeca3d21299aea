"""Simulated hearts: shares, labels, contrast, noise and geometry have the values they were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from CardioScarLib.phantom.rough_scars import NoScar
from CardioScarLib.synthesis import DIFFICULT, OUTSIDE, TRAINING, simulated_heart
from CardioScarLib.synthesis import tissues as heart
from CardioScarLib.synthesis.contrast import Contrast, after_contrast, nulling_time, recovered
from CardioScarLib.synthesis.disease import Disease
from CardioScarLib.synthesis.fields import finer, smooth
from CardioScarLib.synthesis.heart import wall_of
from CardioScarLib.synthesis.scanner import LARGEST, Scanner, appearance, scanned
from CardioScarLib.synthesis.shape import ANGLES, HEIGHTS, Shape, drawn_shape
from CardioScarLib.synthesis.tissues import Grid, Tissues, cut, drawn_labels, drawn_tissues

SMALL = replace(TRAINING, field=(130.0, 130.0), pixel=(1.9, 1.9), spacing=(12.0, 13.0), no_reflow=1.0, healthy=0.0, infarct=1.0)
SCANNER = Scanner(
    psir=True, normalized=False, noise=0.05, acquired=(2.0, 2.0), roll_off=0.2, shading=(0, 0, 0), uneven=(0, 5), fat_shift=0.0,
    ghost=(0, 0.5), drift=0, offset=0, largest=1000.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> Tissues:
    return drawn_tissues(np.random.default_rng(5), SMALL)


def ellipsoid(radius: float = 24.0, wall: float = 10.0, length: float = 50.0, base: float = 18.0) -> Shape:
    """A heart of ellipsoids of revolution without anything around."""
    table = np.ones((ANGLES, HEIGHTS), dtype=np.float32)
    none, rv = 0 * table, np.array([[0, 0, 0], [1.0, 1, 1]])
    return Shape(radius * table, wall * table, length, wall, 2.0, base, (0.0, 0.0), rv, 0.5, none, np.empty((0, 5)), none, none, 0.0)


def volume_of(radius: float, length: float, base: float) -> float:
    """mm^3 of an ellipsoid of revolution from its apex up to the base."""
    return np.pi * radius**2 * (base - base**3 / (3 * length**2) + 2 * length / 3)


def grid(pixel: float = 1.5, spacing: float = 8.0, size: int = 64, count: int = 12) -> Grid:
    matrix = np.diag([pixel, pixel, spacing, 1.0])
    matrix[:3, 3] = [-0.5 * (size - 1) * pixel, -0.5 * (size - 1) * pixel, -62.0]
    return Grid((count, size, size), matrix, np.eye(4), spacing, np.zeros((count, 3)))


def test_shares_of_every_pixel_sum_to_one_and_none_is_negative(drawn):
    assert np.abs(drawn.shares.sum(axis=0) - 1).max() < 1e-5
    assert drawn.shares.min() >= 0


def test_the_volumes_of_wall_and_cavity_are_those_of_the_formula():
    shares = cut(ellipsoid(), None, grid(), np.random.default_rng(0))
    voxel = 1.5 * 1.5 * 8.0
    cavity = volume_of(24, 50, 18)
    assert shares[[heart.CAVITY, heart.TRABECULAE]].sum() * voxel == pytest.approx(cavity, rel=0.01)
    assert shares[heart.REMOTE].sum() * voxel == pytest.approx(volume_of(34, 60, 18) - cavity, rel=0.01)


def test_labels_have_the_volumes_that_the_shares_have():
    shares = cut(ellipsoid(base=22.0), None, grid(pixel=1.0, size=90), np.random.default_rng(0))
    labels = drawn_labels(shares)
    for label, tissue in ((heart.BLOOD_LABEL, heart.CAVITY), (heart.WALL_LABEL, heart.REMOTE)):
        assert (labels == label).sum() == pytest.approx(shares[tissue].sum(), rel=0.03)


def test_the_wall_mesh_has_the_volume_of_the_formula_and_lies_on_its_surfaces():
    shape = ellipsoid()
    pose = np.eye(4)
    pose[:3, 3] = [-10, 20, 30]
    wall, field = wall_of(shape, Disease(NoScar(), (0, 0), None, "healthy", ""), pose, 1)
    assert wall.volumes.sum() == pytest.approx(volume_of(34, 60, 18) - volume_of(24, 50, 18), rel=0.02)
    local = wall.nodes + pose[:3, 3]
    endo, epi = shape.distances(np.hypot(local[:, 0], local[:, 1]), local[:, 2], shape.looked_up(np.zeros(len(local)), local[:, 2]))
    assert endo.min() > -0.2 and epi.max() < 0.2
    assert field.max() == 0


def test_the_field_on_the_wall_agrees_with_the_scar_in_the_pixels():
    tissues = drawn_tissues(np.random.default_rng(5), replace(SMALL, shift=(0.0, 0.0), filled=(1.0, 1.0)))
    wall, field = wall_of(tissues.shape, tissues.disease, tissues.grid.to_heart, 5)
    of_wall = (field[wall.tetrahedra].mean(axis=1) * wall.volumes).sum() / wall.volumes.sum()
    muscle = tissues.shares[[heart.REMOTE, heart.SCAR, heart.NO_REFLOW]].sum()
    assert tissues.scar.sum() / muscle == pytest.approx(of_wall, abs=0.02)


def test_scar_lies_in_the_wall_and_the_core_inside_of_scar(drawn):
    assert drawn.disease.core is not None
    assert (drawn.labels == heart.NO_REFLOW_LABEL).sum() > 0
    assert drawn.scar.max() <= 1
    assert (drawn.labels[drawn.scar > 0.9] >= heart.SCAR_LABEL).mean() > 0.9


def test_healthy_hearts_have_no_scar():
    healthy = simulated_heart(3, replace(SMALL, healthy=1.0, infarct=0.0))
    assert healthy.about["disease"] == "healthy"
    assert healthy.share.max() == 0
    assert set(np.unique(healthy.labels)) == {0, 1, 2}


def test_the_same_seed_gives_the_same_heart_and_another_seed_another():
    one, same, other = (simulated_heart(seed, SMALL) for seed in (1, 1, 2))
    assert np.array_equal(one.image, same.image) and np.array_equal(one.labels, same.labels)
    assert one.image.shape != other.image.shape or not np.array_equal(one.image, other.image)


def test_another_look_leaves_labels_and_another_image(drawn):
    looks = [appearance(drawn, np.random.default_rng(seed), SMALL)[0] for seed in (1, 2)]
    assert looks[0].shape == looks[1].shape == drawn.labels.shape
    assert np.corrcoef(looks[0].ravel(), looks[1].ravel())[0, 1] < 0.999


@pytest.mark.parametrize("seed", range(6))
def test_stored_values_fit_into_twelve_bits_and_hardly_any_is_cut_off(drawn, seed):
    image, _, scanner = appearance(drawn, np.random.default_rng(seed), SMALL)
    assert np.isfinite(image).all() and np.abs(image).max() <= LARGEST
    assert (image >= LARGEST).mean() < 0.005
    assert len(np.unique(image)) > 50


def test_t1_after_contrast_is_that_of_the_partition_coefficient():
    assert after_contrast(1000, 0.0, 350) == pytest.approx(1000)
    assert 1 / after_contrast(1000, 0.4, 350) == pytest.approx(1 / 1000 + 0.4 * (1 / 350 - 1 / 1550))


def test_the_nulling_time_leaves_no_signal():
    for t1, tr in ((450, 900), (600, 1800)):
        assert recovered(t1, nulling_time(t1, tr), tr) == pytest.approx(0, abs=1e-9)


def flat(kind: int, size: int = 96) -> Tissues:
    """One tissue everywhere."""
    shares = np.zeros((len(heart.KINDS), 6, size, size), dtype=np.float32)
    shares[kind] = 1
    empty = np.zeros((6, size, size), dtype=np.uint8)
    return Tissues(shares, empty, empty, grid(1.5, size=size, count=6), None, None, {})


def contrast(**levels: float) -> Contrast:
    heart_levels = np.zeros(len(heart.KINDS))
    heart_levels[[heart.REMOTE, heart.SCAR]] = levels["remote"], levels["scar"]
    return Contrast(heart_levels, np.zeros(20), {}, 300, 900)


def test_the_contrast_to_noise_ratio_is_the_one_asked_for():
    images = {}
    # the largest value is fixed by one bright column, so that both images are stored in one scale
    for kind in (heart.REMOTE, heart.SCAR):
        tissues = flat(kind)
        tissues.shares[:, :, :, :2] = 0
        tissues.shares[heart.FAT, :, :, :2] = 1
        levels = contrast(remote=0.1, scar=0.4)
        levels.heart[heart.FAT] = 3.0
        images[kind] = scanned(tissues, levels, replace(SCANNER, offset=0.0, largest=3000.0), np.random.default_rng(0))[:, :, 20:-20]
    step = images[heart.SCAR].mean() - images[heart.REMOTE].mean()
    assert step / images[heart.REMOTE].std() == pytest.approx(0.3 / 0.05, rel=0.05)


def test_noise_is_correlated_as_zero_filling_makes_it():
    """The autocorrelation of noise is the transform of the squared window of k-space."""
    image = scanned(flat(heart.REMOTE), contrast(remote=0.0, scar=0.3), replace(SCANNER, acquired=(3.0, 1.5)), np.random.default_rng(1))
    noise = image - image.mean()
    rows = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    columns = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var()
    turns = np.fft.fftfreq(96)
    for found, band in ((rows, 0.5), (columns, 1.0)):
        at = np.abs(turns) / (0.5 * band)
        window = np.where(at > 1, 0, 0.5 * (1 + np.cos(np.pi * np.clip((at - 0.8) / 0.2, 0, 1)))) ** 2
        assert found == pytest.approx((window * np.cos(2 * np.pi * turns)).sum() / window.sum(), abs=0.04)


def test_noise_of_magnitude_images_without_signal_is_rayleigh():
    image = scanned(flat(heart.REMOTE), contrast(remote=0.0, scar=0.3), replace(SCANNER, psir=False), np.random.default_rng(2))
    assert image.min() >= 0
    assert image.mean() / image.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)


def test_the_matrix_tells_spacing_and_the_labels_follow_the_shape_in_space():
    found = simulated_heart(4, SMALL, with_wall=True)
    assert np.linalg.norm(found.matrix[:3, 0]) == pytest.approx(found.about["pixel"])
    assert np.linalg.norm(found.matrix[:3, 2]) == pytest.approx(found.about["spacing"])
    axes = found.matrix[:3, :3] / np.linalg.norm(found.matrix[:3, :3], axis=0)
    assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-9
    slices, rows, columns = np.nonzero(found.labels >= heart.WALL_LABEL)
    seen = np.column_stack([columns, rows, slices]) @ found.matrix[:3, :3].T + found.matrix[:3, 3]
    middle = np.average(found.wall.nodes, axis=0, weights=found.wall.node_measure)
    assert np.linalg.norm(seen.mean(axis=0) - middle) < 4


def test_nothing_of_the_test_settings_lies_within_the_training_settings():
    changed = [name for name, value in vars(OUTSIDE).items() if value != getattr(TRAINING, name)]
    assert {"radius", "wall", "pixel", "spacing", "cnr", "null"} <= set(changed)
    for name in changed:
        for learned in (TRAINING, DIFFICULT):
            low, high = getattr(learned, name)
            assert OUTSIDE.__dict__[name][0] >= high or OUTSIDE.__dict__[name][1] <= low


def test_difficult_hearts_have_thick_walls_most_of_all_in_the_septum():
    thick = [drawn_shape(np.random.default_rng(seed), replace(DIFFICULT, hypertrophy=1.0)) for seed in range(20)]
    most = [float(one.wall.max()) for one in thick]
    assert 18 < np.median(most) < 30  # 22 +- 5 mm where patients' walls are thickest (Klues et al. 1995)
    septum, lateral = (np.mean([np.roll(one.wall, 8, axis=0)[start : start + 17].mean() for one in thick]) for start in (0, 48))
    assert septum > lateral + 2
    assert np.median([float(drawn_shape(np.random.default_rng(seed), DIFFICULT).cavity.mean()) for seed in range(20)]) < 24


def test_the_hearts_that_figures_were_measured_on_stay_the_same():
    """Pixels of cavity, wall and scar, and mean intensity; a draw more or less in between would make other hearts of the same seeds."""
    for ranges, pixels, mean in ((TRAINING, (4769, 5985, 415), 97.84), (OUTSIDE, (4682, 2022, 142), 2486.0)):
        found = simulated_heart(900_007, ranges)
        assert [int((found.labels == label).sum()) for label in (1, 2, 3)] == pytest.approx(pixels, rel=0.01)
        assert float(found.image.mean()) == pytest.approx(mean, rel=0.001)


def test_random_fields_have_unit_spread_and_the_correlation_of_their_width():
    field = smooth((256, 256), (4, 4), np.random.default_rng(0))
    assert field.std() == pytest.approx(1, abs=1e-3)
    assert (field[4:] * field[:-4]).mean() == pytest.approx(np.exp(-(4**2) / (4 * 4**2)), abs=0.08)


def test_a_finer_table_is_linear_between_its_samples_and_closes():
    table = np.array([[0.0, 1.0], [2.0, 3.0]])
    fine = finer(table, 2)
    assert fine.shape == (4, 3)
    assert fine[1, 1] == pytest.approx(1.5) and fine[3, 0] == pytest.approx(1.0)
