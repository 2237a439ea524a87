"""The replay: the model case played over HTTP against a running platform, then reconciled.

Reading order: plan (how much of everything), verses, art, film, people (what is played with), browser and tus (a
person's browser over HTTP), stage, then the acts: setting, registration, clips, works, screening, judging, polls with
ballots, halls; journey (all of them in order), reckoning (expected | found | difference), command.
"""

from concours.cli.replay.command import command

__all__ = ["command"]
