"""`python -m compass` is the command `compass`."""

from compass.cli import main

if __name__ == "__main__":
    main()
