"""What `python -m mydocker` executes: the same as the command mydocker."""

from mydocker.cli.entry import main

main()
