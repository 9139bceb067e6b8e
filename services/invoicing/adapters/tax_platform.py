"""
The tax platform that keeps red-letter forms, behind a port, and the outside calls that speak to it.

The wire is our own and thin; `services/invoicing/README.md` describes it. It was tried against the stand-in of the
tests only: no real platform was reached. Another platform is another class with the two methods of `TaxPlatform`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Protocol

import requests
from pydantic import AwareDatetime, BaseModel, StringConstraints, ValidationError

from services.invoicing.domain.red_form import FormState
from services.shared.kernel.errors import Unavailable

TIMEOUT_S = (5.0, 15.0)
"""To connect, and for each read."""

# Says nothing of the form: our credentials, their load, a deadline. Tried again.
_NOT_ABOUT_THE_FORM = frozenset({401, 403, 408, 425, 429})


class PlatformRefuses(Exception):
    """The platform does not take the form, and would not if it were asked again. The text is its own."""


class FormWord(BaseModel):
    """What the platform says of one form."""

    reference: str
    number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,40}$")]
    state: FormState
    entered_at: AwareDatetime


class TaxPlatform(Protocol):
    def find(self, reference: str) -> FormWord | None:
        """
        What became of the form that we call *reference*; none: it knows no such form.

        Raises:
            Unavailable: It does not answer, or not sensibly.
        """

    def enter(self, form: Mapping[str, Any]) -> FormWord:
        """
        Enter *form*, unless one with its reference is there.

        Raises:
            PlatformRefuses: It never will.
            Unavailable: It does not answer; whether it has acted is not known.
        """


class HttpTaxPlatform:
    """*url* without a slash at its end; *token* is sent as a bearer."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def find(self, reference: str) -> FormWord | None:
        answer = self._ask("GET", f"/red-forms/{reference}")
        if answer.status_code == requests.codes.not_found:
            return None
        return _word(answer, reference)

    def enter(self, form: Mapping[str, Any]) -> FormWord:
        answer = self._ask("POST", "/red-forms", form)
        if answer.status_code in {requests.codes.not_found, requests.codes.method_not_allowed}:
            raise Unavailable("there is no tax platform at this address")
        if answer.status_code == requests.codes.conflict:  # another caller was quicker
            found = self.find(form["reference"])
            if found is None:  # as refused, another attempt would be entered beside it
                raise Unavailable("the tax platform does not show a form that it says is there")
            return found
        return _word(answer, form["reference"])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        try:
            answer = requests.request(
                method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.token}"},
                timeout=TIMEOUT_S, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise Unavailable(f"the tax platform does not answer: {type(error).__name__}") from error
        if answer.status_code >= requests.codes.server_error or answer.status_code in _NOT_ABOUT_THE_FORM:
            raise Unavailable(f"the tax platform answered {answer.status_code}")
        return answer


def _word(answer: requests.Response, reference: str) -> FormWord:
    if requests.codes.bad_request <= answer.status_code:
        raise PlatformRefuses(_reason(answer))
    try:
        word = FormWord.model_validate_json(answer.content)
    except ValidationError as error:
        raise Unavailable(f"the tax platform's answer makes no sense: {error.error_count()} faults") from error
    if word.reference != reference:
        raise Unavailable("the tax platform answered of another form")
    return word


def _reason(answer: requests.Response) -> str:
    try:
        told = answer.json()
        return f"{told['code']}: {told['text']}"[:500]
    except (ValueError, KeyError, TypeError):
        return f"answered {answer.status_code}"


class SubmitForm:
    """
    `submit_red_form`: first looks whether the form is there already.

    A call that acted and was not answered, or whose caller died, finds its form and enters no second one.
    """

    def __init__(self, platform: TaxPlatform) -> None:
        self.platform = platform

    def __call__(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """*number*, *state*, *entered_at*; or *refused*, with the platform's words."""
        del key
        form = {name: value for name, value in payload.items() if name not in {"red_letter_id", "attempt"}}
        try:
            return _told(self.platform.find(form["reference"]) or self.platform.enter(form))
        except PlatformRefuses as refused:
            return {"refused": str(refused)}


class AskForm:
    """`ask_red_form`: what became of a form that was entered."""

    def __init__(self, platform: TaxPlatform) -> None:
        self.platform = platform

    def __call__(self, payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """*number*, *state*, *entered_at*."""
        del key
        try:
            word = self.platform.find(payload["reference"])
        except PlatformRefuses as refused:
            raise Unavailable(f"the tax platform does not say what became of a form: {refused}") from refused
        if word is None:
            raise Unavailable("the tax platform does not know a form that it took")
        return _told(word)


def _told(word: FormWord) -> dict[str, str]:
    at: datetime = word.entered_at
    return {"number": word.number, "state": word.state, "entered_at": at.isoformat()}
