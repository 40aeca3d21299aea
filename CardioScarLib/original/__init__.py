"""The original cardioscar's steps, on its files."""
