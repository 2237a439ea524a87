"""`python -m concours.cli`: the same as the `concours` command."""

from concours.cli import main

main(prog_name="concours")
