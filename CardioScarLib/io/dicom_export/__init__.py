"""A map as DICOM objects on the geometry of its slices. highdicom is an optional dependency."""

from __future__ import annotations

from CardioScarLib.core.errors import MissingPackage


def check_highdicom() -> None:
    """Raise MissingPackage without highdicom."""
    try:
        import highdicom  # noqa: F401
    except ImportError as problem:
        raise MissingPackage('DICOM objects need highdicom; install it with: pip install "cardioscar[dicom]".') from problem
