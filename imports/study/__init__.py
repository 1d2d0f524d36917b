"""An hour of study in fast motion: the catalogue's invented people use the real API."""
