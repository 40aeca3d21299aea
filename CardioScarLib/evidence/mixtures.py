"""Two populations of intensities in the wall, fitted without regard to where they lie."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from CardioScarLib.evidence.intensity import IntensityEvidence, nothing, within_percentiles
from CardioScarLib.evidence.lge import LgeImages

ASHMAN_D = 2.0
"""Two normal components closer than this are not two (Ashman, Bird and Zepf 1994)."""
BINS = 200
LOG_SD = (-4.0, 2.0)
"""Of the logarithm of a component's standard deviation, in standard deviations of all."""
NOT_TWO = "The intensities in the myocardium do not form two groups: no scar."


def two_normals(lge: LgeImages) -> IntensityEvidence:
    """Posterior probability of the brighter of two normal components fitted to the pixels inside the wall.

    Outside the two means the probability is that at the nearer mean, which makes it monotone.
    """
    regions = lge.regions
    if regions.core is None:
        return nothing(regions)
    share, mean, sd = fit_two_normals(within_percentiles(regions), (regions.remote_mean, regions.core))
    numbers = {"dark_mean": mean[0], "dark_sd": sd[0], "bright_mean": mean[1], "bright_sd": sd[1], "bright_share": share[1]}
    if not two_groups(mean, sd):
        return IntensityEvidence(np.zeros(len(regions.intensity)), numbers, (NOT_TWO,))
    at = np.clip(regions.intensity, *mean)[:, None]
    log_density = np.log(share / sd) - 0.5 * ((at - mean) / sd) ** 2
    return IntensityEvidence(special.expit(log_density[:, 1] - log_density[:, 0]), numbers)


def two_groups(mean: np.ndarray, sd: np.ndarray) -> bool:
    return bool(np.sqrt(2) * (mean[1] - mean[0]) >= ASHMAN_D * np.hypot(*sd))


def rice_and_normal(lge: LgeImages) -> IntensityEvidence:
    """Posterior probability of scar, if magnitudes of remote myocardium follow a Rice distribution and those of scar a normal one.

    Nulled myocardium in a magnitude image is not normally distributed (Gudbjartsson and Patz 1995, MRM 34:910); with the Rice
    component for it the mixture is that of Hennemuth et al. 2008 (Proc. SPIE 6916). Fitted by maximum likelihood. Monotone as
    `two_normals` is. For magnitude images only.
    """
    regions = lge.regions
    if regions.core is None:
        return nothing(regions)
    sample = within_percentiles(regions)
    scale = float(sample.std())
    counts, edges = np.histogram(np.maximum(sample / scale, 1e-6), BINS)
    values, shares = 0.5 * (edges[1:] + edges[:-1]), counts / counts.sum()
    start = np.array([
        regions.remote_mean / scale, np.log(regions.remote_sd / scale), regions.core / scale,
        np.log(max(regions.remote_sd, 0.25 * (regions.core - regions.remote_mean)) / scale), -1.5,
    ])  # fmt: skip

    def cost(point: np.ndarray) -> float:
        dark, bright = _log_densities(values, point)
        return -float(shares @ np.logaddexp(dark, bright))

    point = optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-7}).x
    (nu, bright_mean), (sigma, bright_sd) = point[[0, 2]], np.exp(np.clip(point[[1, 3]], *LOG_SD))
    numbers = {
        "dark_mean": abs(nu) * scale, "dark_sd": sigma * scale, "bright_mean": bright_mean * scale, "bright_sd": bright_sd * scale,
        "bright_share": float(special.expit(point[4])),
    }  # fmt: skip
    if not two_groups(np.array([abs(nu), bright_mean]), np.array([sigma, bright_sd])):
        return IntensityEvidence(np.zeros(len(regions.intensity)), numbers, (NOT_TWO,))
    at = np.clip(regions.intensity / scale, max(abs(nu), 1e-6), bright_mean)
    dark, bright = _log_densities(at, point)
    return IntensityEvidence(special.expit(bright - dark), numbers)


def _log_densities(values: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a Rice and a normal component, each times its share. point: Rice's nu and log sigma, mean and log sd, log odds of the share."""
    nu, mean = abs(point[0]), point[2]
    sigma, sd = np.exp(np.clip(point[[1, 3]], *LOG_SD))
    dark = np.log(values / sigma**2) - 0.5 * ((values - nu) / sigma) ** 2 + np.log(special.ive(0, values * nu / sigma**2) + 1e-300)
    bright = -0.5 * ((values - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))
    return dark + special.log_expit(-point[4]), bright + special.log_expit(point[4])


def fit_two_normals(values: np.ndarray, start: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares, means and standard deviations, (2,) each, darker first, by expectation maximization.

    start: first guess of the two means.
    """
    center, scale = values.mean(), values.std()
    z = (values - center) / scale
    mean = (np.sort(np.asarray(start)) - center) / scale
    sd, share = np.full(2, 0.5), np.full(2, 0.5)
    previous = -np.inf
    for _ in range(500):
        density = share / sd * np.exp(-0.5 * ((z[:, None] - mean) / sd) ** 2) + 1e-300
        likelihood = np.log(density.sum(axis=1)).mean()
        belongs = density / density.sum(axis=1, keepdims=True)
        weight = belongs.sum(axis=0) + 1e-12
        share, mean = weight / len(z), z @ belongs / weight
        sd = np.maximum(np.sqrt(np.sum(belongs * (z[:, None] - mean) ** 2, axis=0) / weight), 1e-3)
        if likelihood - previous < 1e-9:
            break
        previous = likelihood
    order = np.argsort(mean)
    return share[order], mean[order] * scale + center, sd[order] * scale
