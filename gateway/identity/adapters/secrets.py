"""Secrets: passwords by Argon2id; one-time links and API keys that follow from a seed and the gateway's own secret."""

import base64
import hmac
import secrets
from functools import cached_property
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class GatewaySecrets:
    """
    A seed may be kept (with the answer to a command, for whoever asks again under the same key); what
    follows from it is useless to guess without *secret*, and of that what is kept is a hash.
    """

    def __init__(self, secret: str, link_days: int) -> None:
        self._secret = secret.encode()
        self.link_days = link_days
        self._hasher = PasswordHasher()

    def seed(self) -> str:
        return secrets.token_hex(32)

    def link(self, seed: str) -> str:
        return self._follow("link", seed)

    def api_key(self, seed: str) -> str:
        return f"yiqi_{self._follow('api-key', seed)}"

    def hash_password(self, password: str) -> str:
        return self._hasher.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        """Takes as long when there is no hash: how long it takes must not tell who is a member."""
        try:
            found = self._hasher.verify(password_hash or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return found and bool(password_hash)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_hex(16))

    def _follow(self, purpose: str, seed: str) -> str:
        digest = hmac.new(self._secret, f"{purpose}/{seed}".encode(), sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
