"""Options: each that is declared is an option of a command, and each of a command is handed on."""

import ast
from pathlib import Path

import pytest

from search.commands import options

FOLDER = Path(options.__file__).parent
TREES = {file.stem: ast.parse(file.read_text(encoding="utf-8")) for file in FOLDER.glob("[!_]*.py")}
# A command is the function that is called like its file.
COMMANDS = {name: tree for name, tree in TREES.items() if any(getattr(node, "name", "") == name for node in tree.body)}


def test_every_option_that_is_declared_is_one_of_a_command():
    declared = {name for name, value in vars(options).items() if hasattr(value, "__metadata__")}
    taken = {
        node.id
        for tree in COMMANDS.values()
        for function in ast.walk(tree)
        if isinstance(function, ast.arg) and function.annotation is not None
        for node in ast.walk(function.annotation)
        if isinstance(node, ast.Name)
    }
    assert len(declared) > 20
    assert declared <= taken


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_does_something_with_each_of_its_options(name):
    (function,) = (node for node in COMMANDS[name].body if getattr(node, "name", None) == name)
    read = {node.id for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    assert {argument.arg for argument in function.args.args} <= read
