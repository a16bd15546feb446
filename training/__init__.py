"""How the shipped weights were made: one command per model, seeds fixed, results recorded.

Nothing in `rag` imports this package.
"""
