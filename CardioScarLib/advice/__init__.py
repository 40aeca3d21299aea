"""The adviser: which further slice would lower the error of a map most."""

from CardioScarLib.advice.ranking import Advice, Proposal, advise

__all__ = ["Advice", "Proposal", "advise"]
