"""Words in the user's language, where the application translates; a Slicer without its application has no slicer.i18n."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:

    def tr(text: str) -> str:
        return text


__all__ = ["tr"]
