"""Data sets: embedded ones that always work, and the real ones when they are on disk."""
