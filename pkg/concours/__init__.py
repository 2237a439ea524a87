"""Concours (赛展): contests and exhibitions of an organisation, self-hosted.

Reading order: `factory` puts the application together; then the rooms from the ground up:
base, audit, identity, events, media, teams, clips, entries, jury, voting, exhibition, web, cli.
"""

__version__ = "0.1.0"
