"""The fairness report of a round: computed in the background from the marks that count, kept, shown in plain words.

Reading order: reading (what goes in), kept (what is kept of it), runs and jobs, shown, routes.
"""
