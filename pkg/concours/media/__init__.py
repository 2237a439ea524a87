"""Uploads, checks, renditions and delivery of files. Knows no entry and no clip.

Reading order: models, tus (the protocol), checks (what is in the file), renditions, jobs, verbs, routes.
Rooms above hand a *purpose* to an upload and register what happens when its asset is ready.
"""
