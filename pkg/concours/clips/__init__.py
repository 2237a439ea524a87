"""Check-in videos (打卡): accepted, counted per member, team and day.

Reading order: models, verbs (who may send, and what is counted), purposes (what the media room asks), lists, standings,
recount (the counters held against their rows), words, routes.
"""
