"""Teams, their members, and rosters brought in from XLSX and CSV.

Reading order: models, roster (reading a file), fates (what would become of each row), verbs, jobs, routes.
"""
