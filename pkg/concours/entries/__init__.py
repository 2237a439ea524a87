"""Works, series, team videos and stories: draft, submit, screen, withdraw.

Reading order: models, authors (who may do what), register (numbers, counters, the lock), limits (how many are
possible), drafts (start and change), files, submission (check, submit, withdraw), screening, history, lists, public
(what others may show), then routes: author_routes, desk_routes, api.
"""
