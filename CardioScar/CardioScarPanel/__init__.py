"""The parts of the panel: what shows choices, runs and results with Qt widgets. They compute nothing."""
