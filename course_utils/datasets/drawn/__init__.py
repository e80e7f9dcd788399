"""Drawings that every machine makes by itself, offline and at once, and the truth about them."""
