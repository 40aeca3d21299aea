"""Data types shared by all rooms: they hold and check values; the work is done elsewhere."""
