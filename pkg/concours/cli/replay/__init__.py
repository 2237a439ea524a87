"""The replay: the model case played over HTTP against a running platform, then reconciled.

Reading order: plan (how much of everything), verses, art, film, people, rosters (what is played with),
browser (a person's browser over HTTP), then the acts: setting, registration, works, clips, screening, juries, votes,
halls; reckoning (expected | found | difference); command.
"""
