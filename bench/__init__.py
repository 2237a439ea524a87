"""Benchmarks: `python -m bench [vote]`. Figures are ratios within one run; README.md says how they are taken."""
