"""What holds for every test: requirements are checked once, and no test sees another's surroundings."""

from __future__ import annotations

from hypothesis import settings
from support import need

ORDER = (
    "unit",
    "test_architecture.py",
    "ops",
    "frontends",
    "golden",
    "toolchain",
    "kernels",
    "emulator",
    "device",
    "browser",
    "packaging",
)
"""Quick tests first, so that a mistake shows early."""


def pytest_configure():
    """Refuse a misspelt EDGEKIT_REQUIRE before a test is run: it would require nothing. No clock decides a test."""
    need.required()
    settings.register_profile("edgekit", deadline=None)
    settings.load_profile("edgekit")


def pytest_report_header():
    """Say what is required, so that a log shows it."""
    return f"required: {', '.join(sorted(need.required())) or 'nothing beyond Python'}"


def pytest_collection_modifyitems(config, items):
    """Run folder by folder in ORDER; a folder without a place in it comes last."""
    places = {name: place for place, name in enumerate(ORDER)}

    def place(item):
        parts = item.path.relative_to(config.rootpath / "tests").parts
        return places.get(parts[0], len(places))

    items.sort(key=place)
