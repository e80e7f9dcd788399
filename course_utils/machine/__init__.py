"""The machine the course runs on: what is wrong with it, and what it gets from the internet when asked."""
