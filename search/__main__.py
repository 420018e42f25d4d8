"""`python -m search`: the command line, as `digitsweep` is."""

from search.cli import main

main()
