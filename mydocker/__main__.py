"""python -m mydocker: the same as the mydocker command."""

from mydocker.cli.entry import main

main()
