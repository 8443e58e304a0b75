"""What processes need that tests start."""

from pathlib import Path

FIND_TESTS = f"import sys; sys.path.append({str(Path(__file__).parents[1])!r})\n"
"""Begins a program that imports from the tests; the checkout comes behind what is installed."""
