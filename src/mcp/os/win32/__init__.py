"""Operating-system specifics."""
