"""Works, series, team videos and stories: draft, submit, screen, withdraw.

Reading order: models, rules_check, verbs (the author's), screening (the organiser's), jobs, routes.
"""
