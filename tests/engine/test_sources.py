"""Which modules a module is made of, and that a digest sees every change."""

import pytest

from engine.sources import imported_sources, source_digest

FILES = {
    "__init__.py": "",
    "kernel.py": "from package.pieces import near\nfrom package.plain import CONSTANT\n",
    "plain.py": "CONSTANT = 1\n",
    "pieces/__init__.py": "",
    "pieces/near.py": "def f():\n    try:\n        from .deep import far\n    except ImportError:\n        raise\n",
    "pieces/deep/__init__.py": "from ...held import VALUE\n",
    "pieces/deep/far.py": "import package.circle\n",
    "circle.py": "import package.kernel, os.path\nfrom numpy import pi\n",
    "held.py": (
        "import typing\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from package import types_only\nelse:\n    import package.otherwise\n"
        "if typing.TYPE_CHECKING:\n    import package.types_only\n"
    ),
    "otherwise.py": "",
    "types_only.py": "",
    "unrelated.py": "import package.kernel\n",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_imported_sources_are_followed_through_packages_functions_and_circles(package):
    found = {file.relative_to(package).as_posix() for file in imported_sources(package / "kernel.py", package)}
    assert found == set(FILES) - {"__init__.py", "types_only.py", "unrelated.py"}


def test_a_module_outside_imports_from_the_package(package, tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("import package.plain\n")
    assert imported_sources(outside, package) == {outside, package / "plain.py"}
    assert source_digest([outside, package / "plain.py"], package)


def test_digest_depends_on_names_and_contents_and_not_on_order(package):
    files = sorted(package.rglob("*.py"))
    before = source_digest(files, package)
    assert source_digest(files[::-1], package) == before
    (package / "plain.py").write_text("CONSTANT = 2\n")
    changed = source_digest(files, package)
    (package / "plain.py").rename(package / "renamed.py")
    assert len({before, changed, source_digest(package.rglob("*.py"), package)}) == 3
