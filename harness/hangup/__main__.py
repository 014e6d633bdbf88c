"""``python -m hangup``."""

from hangup.cli import main

if __name__ == "__main__":
    main()
