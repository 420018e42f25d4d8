"""The package's source files: which a module is made of, and a digest of some."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def source_digest(files: Iterable[Path], root: Path) -> str:
    """SHA-256 of files and of their names in the folder `root`, in the order of these, as hexadecimal digits.

    A file outside `root` has its own name.
    """
    named = {(file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name): file for file in files}
    digest = hashlib.sha256()
    for name, file in sorted(named.items()):
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def imported_sources(file: Path, package: Path) -> set[Path]:
    """`file` and all modules in the folder `package` that it imports, directly or through others.

    What is imported for a type checker alone (`if TYPE_CHECKING:`) does not count.
    """
    found, waiting = {file}, [file]
    while waiting:
        new = _imports(waiting.pop(), package) - found
        found |= new
        waiting += new
    return found


@cache
def _imports(file: Path, package: Path) -> frozenset[Path]:
    """Modules of the package that one file imports."""
    names: set[tuple[str, ...]] = set()
    for node in _executed(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start: tuple[str, ...] = ()
            if node.level:
                start = file.relative_to(package.parent).parts[: -node.level]
            start += tuple(node.module.split(".")) if node.module else ()
            # A name is a module in a folder, or something that the module holds.
            names |= {(*start, alias.name) for alias in node.names} | {start}
    return frozenset(
        place
        for name in names
        if name[:1] == (package.name,)
        for place in (package.parent.joinpath(*name).with_suffix(".py"), package.parent.joinpath(*name, "__init__.py"))
        if place.is_file()
    )


def _executed(module: ast.Module) -> Iterator[ast.AST]:
    """A module's statements, those inside others included, without the bodies of `if TYPE_CHECKING:`."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"
        children = node.orelse if isinstance(node, ast.If) and typing_only else ast.iter_child_nodes(node)
        waiting += [c for c in children if isinstance(c, (ast.stmt, ast.ExceptHandler, ast.match_case))]
