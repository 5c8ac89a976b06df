"""Imports go one way: `make lint` holds this between folders, this test also between a package and its modules."""

from __future__ import annotations

import graphlib

import grimp


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("xomflow", "xomlib", "xomphysics", "mini_xenonnt")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # CycleError has the circle
