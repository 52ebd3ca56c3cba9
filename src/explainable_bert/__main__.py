"""`python -m explainable_bert`: the command line."""

from explainable_bert.interfaces.cli import main

if __name__ == "__main__":
    main()
