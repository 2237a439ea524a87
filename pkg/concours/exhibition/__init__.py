"""The public side after the jury and the vote: gallery, results, halls. Read-only over the rooms below.

Reading order: models, verbs, results, routes.
"""
