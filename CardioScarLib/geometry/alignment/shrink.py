"""What is left of measured shifts when their errors are taken into account."""

from __future__ import annotations

import numpy as np

LARGEST_SPREAD = 10.0
"""mm that slices may differ by."""


SPREADS = np.concatenate([[0.0], np.geomspace(0.02, LARGEST_SPREAD, 120)])


def shrunken(measured: np.ndarray, covariance: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Empirical Bayes: the posterior means of shifts whose spread over slices is estimated from themselves.

    measured: (n, 2) mm. covariance: (n, 2, 2) of their errors; infinite diagonal where nothing was measured. group: (n,) of
    the parallel slices each belongs to; a group has an offset of its own, all slices scatter about it alike.
    Returns shifts (n, 2), their SD (n, 2), the offsets of the groups (g, 2), and the SD of slices about the offset, mm.

    measured ~ N(offset + own, covariance), own ~ N(0, spread^2): spread by restricted maximum likelihood, which is 0 where the
    measured shifts scatter no more than their errors; the offset is shrunken in the same way (Efron & Morris 1975). The SD
    also holds what is not known about the spread.
    """
    known = np.isfinite(covariance[:, 0, 0])
    groups = np.unique(group)
    parts = [(measured[known & (group == one)], covariance[known & (group == one)]) for one in groups]
    likelihood = np.array([sum(_likelihood(*part, spread) for part in parts) for spread in SPREADS])
    best = int(np.argmax(likelihood))
    tried = np.flatnonzero(likelihood > likelihood[best] - 8.0)
    # The spreads are tried at even ratios; an even prior over the spread weighs them by their steps.
    weights = np.exp(likelihood[tried] - likelihood[best]) * np.gradient(SPREADS)[tried]
    weights /= weights.sum()
    shifts, _, offsets = _posterior(measured, covariance, group, parts, SPREADS[best])
    variance = np.zeros_like(shifts)
    for weight, spread in zip(weights, SPREADS[tried], strict=True):
        others, error, _ = _posterior(measured, covariance, group, parts, spread)
        variance += weight * (error + (others - shifts) ** 2)
    return shifts, np.sqrt(variance), offsets, float(SPREADS[best])


def _posterior(measured, covariance, group, parts, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts (n, 2), their variances (n, 2) and the offsets of the groups (g, 2), for a given spread."""
    offsets = np.array([_offset(*part, spread) for part in parts])
    shifts, variance = offsets[np.searchsorted(np.unique(group), group)], np.full(measured.shape, spread**2)
    for number in np.flatnonzero(np.isfinite(covariance[:, 0, 0])):
        gain = spread**2 * np.linalg.inv(covariance[number] + spread**2 * np.eye(2))
        shifts[number] = shifts[number] + gain @ (measured[number] - shifts[number])
        variance[number] = np.diag(gain @ covariance[number])
    return shifts, variance, offsets


def _mean(measured: np.ndarray, covariance: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights = np.linalg.inv(covariance + spread**2 * np.eye(2))
    error = np.linalg.inv(weights.sum(axis=0))
    return error @ np.einsum("nij,nj->i", weights, measured), error, weights


def _likelihood(measured: np.ndarray, covariance: np.ndarray, spread: float) -> float:
    """Restricted log-likelihood, which does not mistake the fitted mean for the true one."""
    if not len(measured):
        return 0.0
    mean, error, weights = _mean(measured, covariance, spread)
    away = measured - mean
    squares = np.einsum("ni,nij,nj->", away, weights, away)
    return 0.5 * float(np.linalg.slogdet(weights)[1].sum() + np.linalg.slogdet(error)[1] - squares)


def _offset(measured: np.ndarray, covariance: np.ndarray, spread: float) -> np.ndarray:
    """Of a group: its mean, shrunken to zero by how sure it differs from zero."""
    if not len(measured):
        return np.zeros(2)
    mean, error, _ = _mean(measured, covariance, spread)
    surplus = max(0.0, 0.5 * float(mean @ mean - np.trace(error)))
    return surplus * np.linalg.inv(surplus * np.eye(2) + error) @ mean
