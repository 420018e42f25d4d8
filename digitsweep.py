"""Where the command `digitsweep` begins: makes sure that `engine`, `search` and `analysis` are this project's.

The three names are ordinary words. A folder on PYTHONPATH may hold a `search.py` of somebody else, which Python would
take first; so they are found here by where they lie, beside this file, and not by a search along the path.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _take(package: str) -> None:
    folder = Path(__file__).resolve().parent / package
    spec = spec_from_file_location(package, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Run the command line (`search.cli`)."""
    for package in ("engine", "search", "analysis"):
        _take(package)
    from search.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
