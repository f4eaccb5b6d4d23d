"""Train a GAN: ``python train.py``, ``python train.py objective=lsgan``, ``python train.py --help``."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401

from gan_lightning.cli import main

if __name__ == "__main__":
    main()
