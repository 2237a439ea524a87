"""Benchmarks: `python -m bench [NAME…]`. Figures are ratios within one run; README.md says how they are taken."""
