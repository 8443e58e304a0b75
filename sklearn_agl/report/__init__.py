"""One page that says how good a potential is: the answer in words, then tables and figures."""

from sklearn_agl.report._report import write_report

__all__ = ["write_report"]
