"""Uploads, checks, renditions and delivery of files. Knows no entry and no clip.

Reading order: models, purposes (what rooms above register); protocol, parts, uploads, tus (taking files in) and form
(without script); signatures, rules, sandbox and sandboxed (looking inside), names, checks, jobs; verbs (for other
rooms), delivery, routes, templates/media/macros.html.
"""
