"""Teams, their members, and rosters brought in from XLSX and CSV.

Reading order: models; scope (whose teams are whose), verbs (registering by hand); then a roster's way: workbook and
textfile (files), roster (lines), world and fates (what becomes of each), enrol (doing it), imports and progress, jobs;
lists, export, words, api, blueprint, routes, roster_routes.
"""
