"""A trained generator as a folder to use and to give away: nothing in it needs this package."""
