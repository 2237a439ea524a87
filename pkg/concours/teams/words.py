"""The words of the verdicts, as pages filter by them; what is refused first, as the rows are."""

from concours.base.messages import Message, msg
from concours.teams.fates import Verdict

VERDICT_NAMES: dict[str, Message] = {
    Verdict.DUPLICATE: msg("Twice in the file"),
    Verdict.OTHER_TEAM: msg("In another team"),
    Verdict.UNKNOWN_DEPARTMENT: msg("Unknown department"),
    Verdict.NOT_YOUR_DEPARTMENT: msg("Not your department"),
    Verdict.TEAM_ELSEWHERE: msg("Another department's team"),
    Verdict.TEAM_QUOTA: msg("Too many teams"),
    Verdict.TEAM_FULL: msg("Team too large"),
    Verdict.TWO_CAPTAINS: msg("Two captains"),
    Verdict.NAME_DIFFERS: msg("Name differs"),
    Verdict.OTHER_DEPARTMENT: msg("Person of another department"),
    Verdict.ACCOUNT_AT_REST: msg("Account at rest"),
    Verdict.STAFF_NUMBER: msg("Wrong staff number"),
    Verdict.MISSING: msg("Something missing"),
    Verdict.TOO_LONG: msg("Too long"),
    Verdict.DATE: msg("Turned into a date"),
    Verdict.CAPTAIN_UNCLEAR: msg("Captain unclear"),
    Verdict.NEW: msg("Will be added"),
    Verdict.CAPTAIN: msg("Becomes captain"),
    Verdict.UNCHANGED: msg("Already there"),
}

APPLIED_NAMES: dict[str, Message] = VERDICT_NAMES | {
    Verdict.NEW: msg("Added"),
    Verdict.CAPTAIN: msg("Is captain now"),
    Verdict.UNCHANGED: msg("Was there already"),
}
