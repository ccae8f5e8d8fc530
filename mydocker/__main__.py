"""python -m mydocker: the same as the mydocker command."""

from mydocker.cli.main import main

main()
