"""`python -m dd0c_route`: the same as the command `dd0c-route`."""

from dd0c_route.cli import main

if __name__ == "__main__":
    main()
