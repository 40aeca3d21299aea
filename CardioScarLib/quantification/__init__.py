"""Quantities of a map."""
