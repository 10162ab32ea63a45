"""dd0c/route: the LLM cost router. Importing the package loads nothing heavy."""

__version__ = "0.1.0"
