"""What holds for every test: requirements are checked once, and no test sees another's surroundings."""

from __future__ import annotations

from support import need


def pytest_configure():
    """Refuse a misspelt EDGEKIT_REQUIRE before a test is run: it would require nothing."""
    need.required()


def pytest_report_header():
    """Say what is required, so that a log shows it."""
    return f"required: {', '.join(sorted(need.required())) or 'nothing beyond Python'}"
