"""Check-in videos (打卡): accepted, counted per member, team and day.

Reading order: models, verbs, jobs, routes.
"""
