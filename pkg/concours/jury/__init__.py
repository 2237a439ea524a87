"""Rounds, assignment, marks, scoring, selection.

Reading order: models, assignment and matching (pure), scoring (pure), selection (pure), kinds, verbs, light_table,
routes.
"""
