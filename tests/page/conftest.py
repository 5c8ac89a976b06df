"""One browser for all tests of a worker, with a new user for each visit."""

from collections.abc import Iterator

import page_browser
import pytest


@pytest.fixture(scope="session", autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    yield
    page_browser.close()
