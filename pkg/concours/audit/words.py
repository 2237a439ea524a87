"""Acts in words: what a reader of the audit record sees for each verb. Every room's verbs are listed here."""

from concours.base.messages import Message, msg

ROOMS: dict[str, Message] = {
    "events": msg("Set-up of the event"),
    "identity": msg("People and accounts"),
    "teams": msg("Teams"),
    "clips": msg("Activity videos"),
    "entries": msg("Entries"),
    "jury": msg("Judging"),
    "voting": msg("Voting"),
    "awards": msg("Awards"),
    "exhibition": msg("Exhibition"),
}

VERBS: dict[str, Message] = {
    "events.create": msg("created the event"),
    "events.change_settings": msg("changed the settings"),
    "events.set_phases": msg("changed the times of phases"),
    "events.set_statement": msg("put a new statement in force"),
    "events.set_quota": msg("changed a department's quota"),
    "events.add_category": msg("added a category"),
    "events.change_category": msg("changed a category"),
    "events.move_category": msg("moved a category"),
    "events.remove_category": msg("removed a category"),
    "events.set_fields": msg("changed the fields of a form"),
    "events.publish": msg("published the event"),
    "events.archive": msg("archived the event"),
    "events.take_out_of_archive": msg("took the event out of the archive"),
    "identity.give_role": msg("gave a role"),
    "identity.take_role": msg("took a role back"),
    "identity.invite": msg("made invitation links"),
    "identity.accept_invitation": msg("accepted an invitation"),
    "identity.create_account": msg("created an account"),
    "identity.create_accounts": msg("created accounts"),
    "identity.change_account": msg("changed an account"),
    "identity.rest_account": msg("put an account to rest"),
    "identity.wake_account": msg("woke an account"),
    "identity.change_password": msg("changed the password"),
    "identity.set_language": msg("changed the language"),
    "identity.revoke_session": msg("signed a browser out"),
    "identity.revoke_other_sessions": msg("signed all other browsers out"),
    "identity.create_token": msg("made a token"),
    "identity.revoke_token": msg("revoked a token"),
    "identity.add_department": msg("added a department"),
    "identity.rename_department": msg("renamed a department"),
    "identity.import_departments": msg("imported departments"),
}
