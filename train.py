"""Train a GAN: ``python train.py``, ``python train.py objective=lsgan``, ``python train.py --help``."""

from gan_lightning.cli import main

if __name__ == "__main__":
    main()
