"""Where the configuration and the studies lie: inside an installed package, beside it in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def project_folder(name: str) -> Path:
    """Folder of plain files that travels with the package.

    Args:
        name: ``conf`` (the configuration) or ``sweeps`` (the studies).

    Returns:
        The package's own ``gan_lightning/<name>`` where it exists (an installed wheel), else ``<checkout>/<name>``.

    Raises:
        FileNotFoundError: if neither exists.
    """
    places = PACKAGE / name, PACKAGE.parent / name
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"no folder '{name}': looked for {places[0]} and {places[1]}; reinstall gan_lightning")
