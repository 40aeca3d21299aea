"""The command `cardioscar`."""
