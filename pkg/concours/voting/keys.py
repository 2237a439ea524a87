"""All names of this room in Redis. Every key of a poll carries the hash tag `{p:<id>}`, so that a
Cluster keeps a poll's keys on one node and one script may touch all of them.

| key                | type   | holds                                                                        |
| ------------------ | ------ | ---------------------------------------------------------------------------- |
| `{p:7}:state`      | hash   | rules, `opens`, `closes`, `version`; `ready`, `applied`, `mark`, `fence`     |
| `{p:7}:candidates` | set    | numbers of the candidates that may be voted for now                          |
| `{p:7}:v:<tag>`    | hash   | one voter: `t` votes in all, `n` "day:votes", `c<candidate>` "day:votes:in   |
|                    |        | all", `r<nonce>` "first pick:journal id"; `wm`, `wc`, `wp` sliding minute    |
| `{p:7}:n:<tag>`    | hash   | one network's sliding minute; `m:` likewise for its new devices; 2 minutes   |
| `{p:7}:journal`    | stream | admitted votes that wait for their record; trimmed behind the watermark      |
| `{p:7}:counts`     | hash   | candidate -> votes by weight, as of `applied`                                |
| `{p:7}:issued`     | hash   | candidate -> the same of votes admitted (and not refused by the ledger):     |
|                    |        | receipts given                                                               |
| `{p:7}:refused`    | hash   | reason -> how often, counted in the script that refused                      |
| `{p:7}:minutes`    | hash   | minute since 1970 -> votes recorded in it                                    |
| `{p:7}:met:<tag>`  | string | a device without a vote that was counted as new in the last hour              |
| `{p:7}:exposed`    | hash   | candidate -> how often its card was on a page of the gallery (`exposure`)    |
| `{p:7}:pow`        | hash   | seconds that a challenge took to solve -> how many; of a voter: `pw`, in ms  |
| `{p:7}:spent:<id>` | string | a challenge that was redeemed, until it expires                              |
| `{p:7}:cards:<n>`  | string | the sealed seed of a batch of codes that can still be printed; an hour       |
| `{p:7}:g:<tag>`    | hash   | one network's wrong codes in the sliding minute                              |
| `{p:7}:otp:<tag>`  | hash   | of number and browser, the password: `h` its HMAC, `tries`; 5 minutes; of a  |
|                    |        | number alone: `at`, when it was last sent one; 1 minute                      |
| `{p:7}:otp:n:…`    | string | passwords sent in a day: to a number (`n:`), from a network (`w:`), in all;  |
|                    |        | `m:` is the network's sliding minute                                         |

`ready` is 1 where votes are taken; `applied` the number of leaves in the counts; `mark` the watermark: the journal id
up to which all is recorded; `fence` the token of the sequencer that wrote them.

One hash per voter (and not one per voter and day) because the quota in all, and a nonce sent again after midnight,
need the voter's earlier days; the day stands in the value, so nothing has to be reset.
"""

import base64

RECORDED_CHANNEL = "concours:votes:recorded"
LEASE = "{concours:sequencer}:lease"  # hash: `holder`, `until` (ms since 1970)
HEARTBEAT = "{concours:sequencer}:heartbeat"  # there for HEARTBEAT_S after a sequencer was last at work
HEARTBEAT_S = 5


def state(poll_id: int) -> str:
    """Rules and progress of the poll."""
    return f"{{p:{poll_id}}}:state"


def candidates(poll_id: int) -> str:
    """Who may be voted for."""
    return f"{{p:{poll_id}}}:candidates"


def voter(poll_id: int, tag: bytes) -> str:
    """One voter's slots."""
    return f"{{p:{poll_id}}}:v:{short(tag)}"


def network(poll_id: int, tag: bytes) -> str:
    """One network's attempts in the sliding minute."""
    return f"{{p:{poll_id}}}:n:{short(tag)}"


def newcomers(poll_id: int, tag: bytes) -> str:
    """One network's new devices in the sliding minute."""
    return f"{{p:{poll_id}}}:m:{short(tag)}"


def met(poll_id: int, tag: bytes) -> str:
    """A device that was counted as new a while ago."""
    return f"{{p:{poll_id}}}:met:{short(tag)}"


def journal(poll_id: int) -> str:
    """The stream of admitted votes."""
    return f"{{p:{poll_id}}}:journal"


def counts(poll_id: int) -> str:
    """The projection: votes per candidate."""
    return f"{{p:{poll_id}}}:counts"


def issued(poll_id: int) -> str:
    """Receipts given per candidate."""
    return f"{{p:{poll_id}}}:issued"


def refused(poll_id: int) -> str:
    """Refusals by reason."""
    return f"{{p:{poll_id}}}:refused"


def minutes(poll_id: int) -> str:
    """Votes recorded per minute."""
    return f"{{p:{poll_id}}}:minutes"


def exposed(poll_id: int) -> str:
    """How often each candidate's card was shown."""
    return f"{{p:{poll_id}}}:exposed"


def solving(poll_id: int) -> str:
    """How long challenges took to solve."""
    return f"{{p:{poll_id}}}:pow"


def spent(poll_id: int, tag: bytes) -> str:
    """A challenge that was redeemed."""
    return f"{{p:{poll_id}}}:spent:{short(tag)}"


def handout(poll_id: int, batch_id: int) -> str:
    """The sealed seed of a batch of codes."""
    return f"{{p:{poll_id}}}:cards:{batch_id}"


def guesses(poll_id: int, tag: bytes) -> str:
    """One network's wrong codes."""
    return f"{{p:{poll_id}}}:g:{short(tag)}"


def password(poll_id: int, tag: bytes) -> str:
    """The one-time password of a number and browser; of a number alone, when it was last sent one."""
    return f"{{p:{poll_id}}}:otp:{short(tag)}"


def passwords_of_number(poll_id: int, tag: bytes) -> str:
    """How many passwords a number was sent today."""
    return f"{{p:{poll_id}}}:otp:n:{short(tag)}"


def passwords_of_network(poll_id: int, tag: bytes) -> str:
    """A network's passwords in the sliding minute."""
    return f"{{p:{poll_id}}}:otp:m:{short(tag)}"


def passwords_of_network_today(poll_id: int, tag: bytes) -> str:
    """How many passwords were asked for from a network today."""
    return f"{{p:{poll_id}}}:otp:w:{short(tag)}"


def passwords_of_poll(poll_id: int) -> str:
    """How many passwords were sent today."""
    return f"{{p:{poll_id}}}:otp:all"


def every_voter(poll_id: int) -> str:
    """The pattern of all voters' hashes (braces are literal in Redis' patterns)."""
    return f"{{p:{poll_id}}}:v:*"


def short(tag: bytes) -> str:
    """Bytes as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()
