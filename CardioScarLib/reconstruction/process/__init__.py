"""A random process along the wall: scar as it varies around, along and through the myocardium, with lengths of the patient's own."""
