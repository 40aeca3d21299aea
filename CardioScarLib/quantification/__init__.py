"""Numbers about a map: what a clinician reads first."""
