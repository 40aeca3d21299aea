"""The benchmark: phantom cases with exact truth, and scores for maps of scar between slices."""

_IN_CASE = ("DEVELOPMENT_SEEDS", "FROZEN_SEEDS", "FAMILIES", "BenchmarkCase", "Family", "make_case")

__all__ = list(_IN_CASE)


def __getattr__(name: str):
    """Cases are loaded when they are asked for: scores and the command line do without."""
    if name not in _IN_CASE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from CardioScarLib.benchmark import case

    return getattr(case, name)
