"""Real images: every set is an ``ImageData``."""
