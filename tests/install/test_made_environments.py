"""`make envs`: it makes the environments, brings old ones up to date, and does nothing when they are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from checkouts import Checkout, interpreters

OTHERS = sorted(
    path for version, path in interpreters().items() if version != f"{sys.version_info[0]}.{sys.version_info[1]}"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Path]:
    """A checkout with environments, and a copy of it; environments work at one path alone."""
    folder = tmp_path_factory.mktemp("made")
    checkout = Checkout.at(folder / "checkout")
    checkout.made("envs", PYTHON=sys.executable)
    shutil.copytree(checkout.root, folder / "kept", symlinks=True)
    return checkout, folder / "kept"


@pytest.fixture
def checkout(made: tuple[Checkout, Path]) -> Checkout:
    """A checkout with environments, as they were made."""
    checkout, kept = made
    shutil.rmtree(checkout.root, ignore_errors=True)
    shutil.copytree(kept, checkout.root, symlinks=True)
    return checkout


def test_both_environments_have_the_project_and_its_command(checkout: Checkout) -> None:
    for name in ("workflow", "analysis"):
        assert checkout.ask(name, "import xomlib; print(xomlib.__file__)") == str(
            checkout.root / "src/xomlib/__init__.py"
        )
        assert checkout.installed(name, f"small-{name}") == "1.0"
        assert (checkout.root / f"work/envs/{name}/bin/xom").exists()
    assert (
        checkout.root / "work/activate"
    ).read_text() == f'export PATH="{checkout.root}/work/envs/workflow/bin:$PATH"\n'


def test_a_second_make_does_nothing(checkout: Checkout) -> None:
    before = (checkout.root / "work/envs/workflow/made-of").stat().st_mtime_ns
    assert checkout.made("envs") == ""
    assert (checkout.root / "work/envs/workflow/made-of").stat().st_mtime_ns == before


def test_a_new_lock_is_installed(checkout: Checkout) -> None:
    checkout.lock("workflow", "2.0")
    assert checkout.made("envs").startswith("bringing the workflow environment up to date\n")
    assert checkout.installed("workflow", "small-workflow") == "2.0"
    assert checkout.made("envs") == ""


def test_a_new_command_of_the_project_is_installed(checkout: Checkout) -> None:
    description = checkout.root / "pyproject.toml"
    description.write_text(
        description.read_text().replace("[project.scripts]\n", '[project.scripts]\nxam = "xomlib:run"\n')
    )
    checkout.made("envs")
    assert (checkout.root / "work/envs/workflow/bin/xam").exists()


def test_an_interrupted_installation_is_not_taken_for_done(checkout: Checkout) -> None:
    """The lock has what the wheelhouse lacks: the installation ends in the middle."""
    good = (checkout.root / "envs/workflow.txt").read_text()
    (checkout.root / "envs/workflow.txt").write_text(good.replace("1.0", "3.0"))
    done = checkout.make("envs")
    assert done.returncode == 2
    assert "the workflow environment could not be made: the wheelhouse wheelhouse lacks packages" in done.stderr
    (checkout.root / "envs/workflow.txt").write_text(good)
    assert checkout.made("envs").startswith("bringing the workflow environment up to date\n")


def test_a_package_of_another_content_is_refused(checkout: Checkout) -> None:
    checkout.lock("workflow", "2.0")
    wheel = checkout.root / "wheelhouse/small_workflow-2.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    assert "Hash mismatch" in checkout.make("envs").stderr


def test_the_environments_of_version_1_are_brought_up_to_date(checkout: Checkout) -> None:
    """They had the project through a file of their own, and no list of what they are made of."""
    for name in ("workflow", "analysis"):
        (checkout.root / f"work/envs/{name}/made-of").unlink()
        (checkout.root / f"work/envs/{name}.done").touch()
    folder = Path(checkout.ask("workflow", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (folder / "xom.pth").write_text("/of/version/1/src\n")
    checkout.made("envs")
    assert (folder / "xom.pth").read_text().strip() == str(checkout.root / "src")
    assert not list(checkout.root.glob("work/envs/*.done"))


def test_a_checkout_that_moved_gets_new_environments(checkout: Checkout, tmp_path: Path) -> None:
    """Programs in an environment name their interpreter by its whole path."""
    moved = Checkout(tmp_path / "moved", checkout.environment)
    shutil.move(checkout.root, moved.root)
    assert "making the workflow environment" in moved.made("envs")
    assert (moved.root / "work/envs/workflow/bin/xom").read_text().startswith(f"#!{moved.root}/work/envs/workflow/bin/")


@pytest.mark.skipif(not OTHERS, reason="this machine has only one supported Python")
def test_another_interpreter_makes_them_anew_and_is_kept(checkout: Checkout) -> None:
    where = "import sys; print(sys.base_prefix)"
    assert "the workflow environment is of another interpreter" in checkout.made("envs", PYTHON=OTHERS[0])
    assert Path(checkout.ask("analysis", where)) == Path(OTHERS[0]).resolve().parents[1]
    assert checkout.made("envs") == ""  # without PYTHON they keep theirs


def test_an_interpreter_that_is_gone_is_replaced(checkout: Checkout) -> None:
    python = checkout.root / "work/envs/workflow/bin/python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert "making the workflow environment" in checkout.made("envs", PYTHON=sys.executable)


def test_what_tests_need_stays_when_only_the_environments_are_asked_for(checkout: Checkout) -> None:
    checkout.lock("development", "1.0")
    checkout.made("development")
    (checkout.root / "work/envs/workflow/bin/pytest").write_text("#!/bin/sh\n")
    (checkout.root / "work/envs/workflow/bin/pytest").chmod(0o755)
    assert checkout.made("envs") == ""
    assert checkout.installed("workflow", "small-development") == "1.0"


def test_a_home_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    checkout = Checkout.at(tmp_path / "checkout")
    (tmp_path / "file").touch()
    checkout.made("envs", PYTHON=sys.executable, HOME=str(tmp_path / "file"))
    assert (checkout.root / "work/envs/cache").is_dir()
