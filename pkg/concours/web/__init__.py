"""What all pages share: base templates, design tokens, vendored assets, languages, error pages, headers, health.

Reading order: i18n, errors, headers, times (filters), health, pages (the front page).
"""
