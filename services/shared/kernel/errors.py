"""
The tree of errors. Concrete errors live beside the code that raises them.

    YiqiError
    ├── Refused        understood and not allowed; nothing was changed; never retried
    │   ├── Invalid        the request makes no sense, whatever the state           422
    │   ├── NotAllowed     this person may not do this                              403
    │   ├── NotFound       no such thing, or not for the eyes of the one who asks   404
    │   └── Conflict       not in this state, or not a second time                  409
    ├── Unavailable    the world failed; the same request may be sent again         503
    └── NotYet         a copy of another service's facts has not arrived yet        503

Anything else that is raised is a bug: parked when an event caused it, a 500 without
detail when a person did. The HTTP statuses are chosen in `gateway/problems.py` only.
"""

from typing import ClassVar

Fact = str | int | bool | None | list[str]


class YiqiError(Exception):
    """
    Base of every error that means something to a caller.

    Attributes:
        code: Stable name on the wire, `<service>.<what_went_wrong>`; never renamed.
        facts: What a program or a translated sentence needs, JSON values only, no personal data.
    """

    code: ClassVar[str] = "error"

    def __init__(self, text: str = "", **facts: Fact) -> None:
        super().__init__(text or (self.__doc__ or type(self).__name__).strip().splitlines()[0])
        self.facts = facts


class Refused(YiqiError):
    """The request was understood and is not allowed."""

    code = "refused"


class Invalid(Refused):
    """The request makes no sense."""

    code = "invalid"


class NotAllowed(Refused):
    """Your role does not allow this."""

    code = "not_allowed"


class NotFound(Refused):
    """There is no such thing."""

    code = "not_found"


class Conflict(Refused):
    """This is not possible in the present state."""

    code = "conflict"


class Unavailable(YiqiError):
    """Something that is needed does not answer; try again."""

    code = "unavailable"


class NotYet(YiqiError):
    """A fact from another service has not arrived yet; try again."""

    code = "not_yet"
