"""What Slicer does not bring: PyTorch for the network, packages for reports and DICOM. Asked for once, when they are about to be used."""

from __future__ import annotations

import importlib.util

import slicer
from slicer.i18n import tr as _

from CardioScarLib.core.errors import MissingPackage

OLDEST_SLICER = (5, 12)
TESTED_TORCH = ">=2.13,<3"
"""The oldest PyTorch that the network was tested with, and no release that may change what it was built on."""

SEGMENTATION = (("safetensors", "safetensors>=0.4,<1"), ("monai", "monai>=1.6,<2"))
"""Packages beside PyTorch, as the extra `segmentation` of the library wants them: its other ones are for training."""


def slicerIsTooOld() -> str:
    """A sentence if this Slicer is older than what the module needs, else an empty text."""
    present = (slicer.app.majorVersion, slicer.app.minorVersion)
    if present >= OLDEST_SLICER:
        return ""
    return _("CardioScar needs 3D Slicer {needed} or later; this is {present}. Install a newer Slicer to use it.").format(
        needed="{}.{}".format(*OLDEST_SLICER), present="{}.{}".format(*present)
    )


def torchIsInstalled() -> bool:
    """Found without importing it, which would take seconds."""
    return importlib.util.find_spec("torch") is not None


def _extensionIsInstalled() -> bool:
    """Whether the extension 'PyTorch' is, which installs PyTorch as it fits this Slicer and this GPU."""
    return importlib.util.find_spec("PyTorchUtils") is not None


def torchInWords() -> str:
    """Which PyTorch is installed, or what `ensureTorch` would do about it."""
    import importlib.metadata  # takes a moment, which Slicer's start can do without

    if not torchIsInstalled() and not _extensionIsInstalled():
        return _("PyTorch is not installed, nor is the extension 'PyTorch' that brings it: use the Extensions Manager.")
    if not torchIsInstalled():
        return _("PyTorch is not installed; you will be asked before it is.")
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return _("PyTorch is installed.")
    return _("PyTorch {version} is installed.").format(version=version)


def torchIsBroken() -> str:
    """What to do where PyTorch is there and cannot be imported; the library's own words are for a command line."""
    return _(
        "PyTorch, or a package that stands on it, is installed and cannot be used; the log says why. Install it again with the module "
        "'PyTorch Util' of the extension 'PyTorch'. The model 'Field' and segments that you draw need nothing more."
    )


def ensureTorch(otherwise: str | None = None) -> bool:
    """Whether PyTorch is there, after asking to install it through the PyTorch extension if it is not.

    :param otherwise: a sentence on what does without it; None is the one for maps.
    :return: False if the person would rather not.
    :raises MissingPackage: the extension is missing, or it could not install PyTorch.
    """
    if torchIsInstalled():
        return True
    otherwise = otherwise or _("The model 'Field' works without it.")
    if not _extensionIsInstalled():
        raise MissingPackage(
            _(
                "The neural network needs the extension 'PyTorch': install it with the Extensions Manager, restart Slicer and try again. "
                "{otherwise}"
            ).format(otherwise=otherwise)
        )
    question = _("The neural network needs PyTorch, a download of up to 3 GB that takes several minutes. Install it now?")
    if not slicer.util.confirmOkCancelDisplay(question, _("Install PyTorch")):
        return False
    import PyTorchUtils

    try:
        logic = PyTorchUtils.PyTorchUtilsLogic()
        installed, why = logic.installTorch(askConfirmation=False, torchVersionRequirement=TESTED_TORCH) is not None, ""
    except Exception as error:  # of any kind: pip, the network, the disk
        installed, why = False, f" ({error})"
    if not installed:
        raise MissingPackage(
            _("PyTorch could not be installed{why}; the Python console has the details. {otherwise}").format(why=why, otherwise=otherwise)
        )
    importlib.invalidate_caches()
    return True


def ensureSegmentation() -> bool:
    """Whether the packages for segmenting are there, after asking to install what is not; as `ensureTorch`."""
    drawn = _("Segments can be drawn in the Segment Editor without it.")
    return ensureTorch(drawn) and all(ensurePackage(*one, _("The segmentation")) for one in SEGMENTATION)


def ensurePackage(module: str, requirement: str, what: str) -> bool:
    """Whether a package is there, after asking to install it if it is not.

    :param module: its name in Python. requirement: for pip. what: that needs it, as the subject of a sentence.
    :return: False if the person would rather not.
    :raises MissingPackage: it could not be installed.
    """
    if importlib.util.find_spec(module) is not None:
        return True
    question = _("{what} needs the Python package {package}, a small download. Install it now?").format(what=what, package=module)
    if not slicer.util.confirmOkCancelDisplay(question, _("Install {package}").format(package=module)):
        return False
    try:
        slicer.util.pip_install(requirement)
    except Exception as error:  # of any kind: pip, the network, the disk
        raise MissingPackage(
            _("{package} could not be installed ({why}); the Python console has the details.").format(package=module, why=error)
        ) from error
    importlib.invalidate_caches()
    return True
