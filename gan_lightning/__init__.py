"""A laboratory for training and comparing GAN objectives, built around WGAN-GP (arXiv:1704.00028)."""

__version__ = "0.1.0"
