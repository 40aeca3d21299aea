"""Measured shifts, shrunken by their errors."""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

LARGEST_SPREAD = 10.0
"""Candidate spreads of the slices, mm."""


SPREADS = np.concatenate([[0.0], np.geomspace(0.02, LARGEST_SPREAD, 120)])


def shrunken(
    measured: np.ndarray, covariance: np.ndarray, group: np.ndarray, bias: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Empirical Bayes: the posterior means of shifts, with their spread over slices estimated from the shifts.

    measured: (n, 2) mm. covariance: (n, 2, 2) of their errors; infinite diagonal where nothing was measured. group: (n,) of
    the parallel slices each belongs to; a group has an offset of its own, all slices scatter about it alike. bias: mm, SD of an
    error that all slices of a group share.
    Returns shifts (n, 2), their SD (n, 2), the offsets of the groups (g, 2), and the SD of slices about the offset, mm.

    measured ~ N(offset + own, covariance) + N(0, bias^2), own ~ N(0, spread^2): spread by restricted maximum likelihood, which
    is 0 where the measured shifts scatter no more than their errors; the offset is shrunken in the same way (Efron & Morris
    1975). The SD also holds what is not known about the spread.
    """
    known = np.isfinite(covariance[:, 0, 0])
    groups = np.unique(group)
    parts = [np.flatnonzero(known & (group == one)) for one in groups]
    likelihood = np.array([sum(_likelihood(measured[part], covariance[part], spread) for part in parts) for spread in SPREADS])
    best = int(np.argmax(likelihood))
    tried = np.flatnonzero(likelihood > likelihood[best] - 8.0)
    # The spreads are tried at even ratios; an even prior over the spread weighs them by their steps.
    weights = np.exp(likelihood[tried] - likelihood[best]) * np.gradient(SPREADS)[tried]
    weights /= weights.sum()
    shifts, variance, offsets = np.zeros_like(measured), np.zeros_like(measured), []
    for one, part in zip(groups, parts, strict=True):
        members = np.flatnonzero(group == one)
        shifts[members], _, offset = _posterior(measured, covariance, members, part, SPREADS[best], bias)
        offsets.append(offset)
        for weight, spread in zip(weights, SPREADS[tried], strict=True):
            others, error, _ = _posterior(measured, covariance, members, part, spread, bias)
            variance[members] += weight * (error + (others - shifts[members]) ** 2)
    return shifts, np.sqrt(variance), np.array(offsets), float(SPREADS[best])


def _posterior(measured, covariance, members, part, spread: float, bias: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts (m, 2) of the members of a group, their variances (m, 2) and the group's offset (2,), for a given spread.

    part: the members that were measured.
    """
    offset = np.zeros(2)
    shifts, variance = np.zeros((len(members), 2)), np.full((len(members), 2), spread**2)
    if len(part):
        mean, error, _ = _mean(measured[part], covariance[part], spread)
        error = error + bias**2 * np.eye(2)
        surplus = max(0.0, 0.5 * float(mean @ mean - np.trace(error)))
        offset = surplus * np.linalg.inv(surplus * np.eye(2) + error) @ mean
        total = block_diag(*(covariance[part] + spread**2 * np.eye(2))) + bias**2 * np.kron(np.ones((len(part),) * 2), np.eye(2))
        gain = spread**2 * np.linalg.inv(total)
        seen = np.searchsorted(members, part)
        shifts[seen] = (gain @ (measured[part] - offset).ravel()).reshape(-1, 2)
        variance[seen] -= spread**2 * np.diag(gain).reshape(-1, 2)
    return offset + shifts, variance, offset


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
