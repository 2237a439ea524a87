"""What all pages share: base templates, design tokens, vendored assets, languages, error pages, headers, health.

Reading order: i18n, guard and errors (what is refused, and how that is said), headers, assets, times and words
(filters), frame (what base.html asks for), steps and front (the front page), apidoc, routes, health.
"""
