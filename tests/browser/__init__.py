"""Pages in a real browser against a real platform: `pytest -m browser tests/browser`.

    def test_the_gallery(site: Site, make: Make) -> None:
        event = make.event()
        look_at(site, f"/events/{event.slug}/gallery", "gallery")

`site` serves the application of the `app` fixture (build what you need with `make`); `stack` is a whole `concours
serve` with worker and sequencer, `stack_site` what visits it. `site.open(…)` gives pages of any width, language, theme.
"""
