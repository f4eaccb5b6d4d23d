"""Real data: every set is a ``RealData``, those of images are an ``ImageData``."""
