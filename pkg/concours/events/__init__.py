"""Events with their categories, phases, entry rules and forms: configuration, not code.

Reading order: models, rules (what a category asks of files and fields), phases (what is open when),
templates_of_events (the three ready-made shapes), verbs, routes.
"""
