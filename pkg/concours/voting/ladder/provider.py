"""An OpenID Connect provider as a way in: discovery, authorization code with PKCE, and an ID token that is checked.

After OpenID Connect Core 1.0 (3.1), Discovery 1.0 and RFC 7636, 9207. Of the answer only issuer and subject are used,
and only to derive the voter: nothing about the person is asked for (scope `openid`) or kept.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets as random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from concours.base.errors import Forbidden, Unavailable
from concours.base.messages import msg
from concours.base.outbound import Outbound, fetch

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]  # never `none`, never one with a shared secret
KEPT_S = 600  # discovery and keys
REFETCH_S = 10  # keys are asked for again at most this often for a key id that is not known
LEEWAY_S = 60
BEGUN_S = 600  # to sign in at the provider
TEXT_LIMIT = 2_000

log = logging.getLogger(__name__)


class SignInFailed(Forbidden):
    """The provider's answer lets nobody in (403)."""

    code = "sign_in_failed"

    def __init__(self) -> None:
        super().__init__(
            msg("Signing in did not work."), hint=msg("Please begin again; a sign-in must be finished in ten minutes.")
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way, kept by the browser that began it: where it came from and what the answer must match."""

    poll_id: int
    state: str
    nonce: str
    verifier: str
    until: int

    def kept(self) -> dict[str, Any]:
        """For the session."""
        return asdict(self)

    @classmethod
    def read(cls, given: Any) -> "Begun | None":
        """What the session kept."""
        try:
            return cls(**given)
        except TypeError:
            return None


class Provider:
    """The provider that the settings name."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, name: str, allow: tuple[str, ...]) -> None:
        self.issuer, self.client_id, self.name = issuer, client_id, name
        self._secret, self._allow = client_secret, allow
        self._told: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Provider | None":
        """The provider, where one is set."""
        if not settings["OIDC_ISSUER"]:
            return None
        return cls(
            str(settings["OIDC_ISSUER"]),
            str(settings["OIDC_CLIENT_ID"]),
            str(settings["OIDC_CLIENT_SECRET"]),
            str(settings["OIDC_NAME"]) or str(urlsplit(settings["OIDC_ISSUER"]).hostname),
            tuple(settings["OUTBOUND_ALLOW"]),
        )

    def begin(self, poll_id: int, redirect_uri: str) -> tuple[str, Begun]:
        """Where the browser goes to sign in, and what it keeps meanwhile. Raises Unavailable."""
        begun = Begun(
            poll_id,
            random.token_urlsafe(24),
            random.token_urlsafe(24),
            random.token_urlsafe(48),
            int(time.time()) + BEGUN_S,
        )
        digest = hashlib.sha256(begun.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        where = self._endpoint("authorization_endpoint")
        return where + ("&" if "?" in where else "?") + urlencode(asked), begun

    def finish(self, given: Mapping[str, str], begun: Begun, redirect_uri: str) -> bytes:
        """Who signed in, as "issuer" 0 "subject", from the query of the way back. Raises SignInFailed, Unavailable."""
        code, state = given.get("code", ""), given.get("state", "")
        if begun.until < time.time() or not hmac.compare_digest(state.encode(), begun.state.encode()):
            raise SignInFailed
        if given.get("iss", self.issuer) != self.issuer or not code or len(code) > TEXT_LIMIT:
            raise SignInFailed
        return self._subject(self._token(code, begun, redirect_uri), begun.nonce)

    def _token(self, code: str, begun: Begun, redirect_uri: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {"Accept": "application/json"}
        methods = self._discovered().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._secret and "client_secret_basic" in methods:
            pair = f"{quote(self.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form["client_id"] = self.client_id
            if self._secret:
                form["client_secret"] = self._secret
        try:
            answer = fetch("POST", self._endpoint("token_endpoint"), allow=self._allow, headers=headers, form=form)
        except Outbound as fault:
            raise self._away(fault) from fault
        if answer.status >= 500:
            raise self._away(Outbound(f"status {answer.status}"))
        found = _object(answer.body) if answer.status == 200 else {}
        token = found.get("id_token")
        if not isinstance(token, str):
            log.warning("the identity provider gave no ID token (status %s)", answer.status)
            raise SignInFailed
        return token

    def _subject(self, token: str, nonce: str) -> bytes:
        """Checks the ID token as OpenID Connect Core 3.1.3.7 asks."""
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token).claims
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as fault:
            log.warning("an ID token was refused: %s", type(fault).__name__)
            raise SignInFailed from fault
        audience, party, subject = claims["aud"], claims.get("azp"), claims["sub"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several and party is None) or (party is not None and party != self.client_id):
            raise SignInFailed
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise SignInFailed
        return self.issuer.encode() + b"\x00" + subject.encode()

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._key_set(KEPT_S), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # perhaps signed by a key that is newer than ours
            return jwt.decode(token, self._key_set(REFETCH_S), algorithms=ALGORITHMS)

    def _key_set(self, not_older_s: int) -> KeySet:
        if self._keys is None or time.monotonic() > self._keys[0] + not_older_s:
            told = self._get(self._endpoint("jwks_uri"))
            try:
                found = KeySet.import_key_set(told)  # type: ignore[arg-type]
            except (JoseError, ValueError, TypeError, KeyError) as fault:
                raise self._away(fault) from fault
            self._keys = (time.monotonic(), found)
        return self._keys[1]

    def _discovered(self) -> dict[str, Any]:
        if self._told is None or time.monotonic() > self._told[0] + KEPT_S:
            told = self._get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if told.get("issuer") != self.issuer:
                raise self._away(ValueError("it names another issuer than OIDC_ISSUER"))
            self._told = (time.monotonic(), told)
        return self._told[1]

    def _endpoint(self, name: str) -> str:
        found = self._discovered().get(name)
        if not isinstance(found, str) or urlsplit(found).scheme not in {"https", urlsplit(self.issuer).scheme}:
            raise self._away(ValueError(f"it names no usable {name}"))
        return found

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = fetch("GET", url, allow=self._allow, headers={"Accept": "application/json"})
        except Outbound as fault:
            raise self._away(fault) from fault
        found = _object(answer.body) if answer.status == 200 else {}
        if not found:
            raise self._away(ValueError(f"status {answer.status}"))
        return found

    def _away(self, fault: Exception) -> Unavailable:
        log.warning("the identity provider %s cannot be used: %s", urlsplit(self.issuer).hostname, fault)
        return Unavailable(
            msg("%(provider)s does not answer just now.", provider=self.name),
            hint=msg("Please try again in a minute, or use another way in."),
            code="provider_away",
            retry_after=60,
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
