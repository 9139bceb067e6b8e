"""Who takes part in a journey: organisations with a client for each role, signed up through the public API."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stdnum.cn import uscc

from infra.demo.client import Client, Json, Refused, sign_in, until

Kind = Literal["customer", "provider", "station", "operator"]

ROLES: Mapping[Kind, tuple[str, ...]] = {
    "customer": ("requester", "approver", "customer_finance"),
    "provider": ("lab_manager", "technician", "provider_finance"),
    "station": ("station_manager",),
    "operator": (
        "administrator", "catalogue_operator", "contract_operator", "finance_operator", "dispute_operator",
    ),
}  # fmt: skip

# Who lets others in.
MANAGERS: Mapping[Kind, str] = {
    "customer": "approver", "provider": "lab_manager", "station": "station_manager", "operator": "administrator",
}  # fmt: skip

_NAMES = {
    "requester": "王敏 Wang Min", "approver": "陈志强 Chen Zhiqiang", "customer_finance": "刘芳 Liu Fang",
    "lab_manager": "赵岚 Zhao Lan", "technician": "孙浩 Sun Hao", "provider_finance": "周静 Zhou Jing",
    "station_manager": "吴磊 Wu Lei", "administrator": "管理员 Administrator",
    "catalogue_operator": "郑宁 Zheng Ning", "contract_operator": "何苗 He Miao",
    "finance_operator": "冯雪 Feng Xue", "dispute_operator": "许可 Xu Ke", "second_finance_operator": "蒋涛 Jiang Tao",
}  # fmt: skip


@dataclass(frozen=True)
class Login:
    """A person's way into the portal."""

    mail: str
    password: str


@dataclass
class Organisation:
    """
    One that takes part.

    Attributes:
        api_keys: Role → key that has this role and no other.
        logins: Role → a person who has it.
        patience_s: How long its people go on asking while nobody answers.
    """

    kind: Kind
    organisation_id: str
    legal_name: str
    base_url: str
    api_keys: dict[str, str] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    patience_s: float = 90.0

    def __getitem__(self, role: str) -> Client:
        """A client that acts for the organisation in *role* and may do nothing else."""
        return Client(self.base_url, api_key=self.api_keys[role], patience_s=self.patience_s)

    def signatory(self, role: str) -> str:
        """The person who puts their name under a paper."""
        return _NAMES[role]


@dataclass
class Cast:
    """The parties of a journey. *station*: none where nobody brought the customer."""

    operator: Organisation
    customer: Organisation
    provider: Organisation
    station: Organisation | None = None


@dataclass(frozen=True)
class Particulars:
    """What an organisation says of itself. *account_number*: none for a customer."""

    kind: Literal["customer", "provider", "station"]
    legal_name: str
    legal_name_en: str
    credit_code: str
    mail: str
    address: str = "演示路 1 号 1 Demonstration Road"
    taxpayer: str = "general_6"
    special_invoices: bool = True
    account_number: str | None = None
    region: str = "110000"


def credit_code(number: int) -> str:
    """A unified social credit code that holds, a different one for each *number* below 10^8. Nobody's."""
    base = f"91110108M{number:08d}"
    return base + str(uscc.calc_check_digit(base))


def found_operator(base_url: str, mail: str, password: str, link_token: str) -> Organisation:
    """The operating company, whose administrator joins by the one-time link, with a key for each role."""
    nobody = Client(base_url)
    nobody.post("/members/join", {"token": link_token, "password": password}, key=f"join/{link_token[:20]}")
    administrator = sign_in(base_url, mail, password)
    me = administrator.get("/me")["organisation"]
    made = Organisation("operator", me["organisation_id"], me["legal_name"], base_url)
    made.logins["administrator"] = Login(mail, password)
    give_keys(made, administrator)
    return made


def give_keys(organisation: Organisation, manager: Client) -> None:
    """A key for each role of the organisation's kind, made by *manager*."""
    for role in ROLES[organisation.kind]:
        made = manager.post(
            "/api-keys", {"name": role, "roles": [role]}, key=f"{organisation.organisation_id}/key/{role}"
        )
        organisation.api_keys[role] = made["secret"]


def password_of(secret: str, mail: str) -> str:
    """The password of the person with this address; another *secret* makes another one."""
    return hmac.new(secret.encode(), mail.encode(), "sha256").hexdigest()[:20]


def give_logins(organisation: Organisation, manager: Client, roles: Iterable[str], domain: str, secret: str) -> None:
    """A person for each of *roles*; the mail address names the role, the password follows from *secret*."""
    for role in roles:
        mail = f"{role.replace('_', '-')}@{domain}"
        login = Login(mail, password_of(secret, mail))
        held = "finance_operator" if role == "second_finance_operator" else role
        body = {
            "name": _NAMES[role], "mail": login.mail, "language": "zh", "roles": [held], "password": login.password,
        }  # fmt: skip
        path = f"/organisations/{organisation.organisation_id}/members"
        manager.post(path, body, key=f"{organisation.organisation_id}/member/{login.mail}")
        organisation.logins[role] = login


def sign_up(base_url: str, operator: Organisation, said: Particulars) -> Organisation:
    """
    An organisation with a key for each of its roles, verified by the operating company; a provider is let in.

    Idempotent by its particulars.
    """
    body: Json = {
        "kind": said.kind,
        "legal_name": said.legal_name,
        "legal_name_en": said.legal_name_en,
        "unified_social_credit_code": said.credit_code,
        "address": said.address,
        "mail": said.mail,
        "phone": "+86 10 0000 0000",
        "tax_profile": {"taxpayer": said.taxpayer, "can_issue_special": said.special_invoices},
        "first_member": {"name": "管理员 Manager", "mail": f"first.{said.mail}", "language": "zh"},
        "api_key": "first",
    }
    if said.account_number is not None:
        body["bank_account"] = {
            "bank_name": "演示银行 Demonstration Bank",
            "account_name": said.legal_name,
            "account_number": said.account_number,
        }
    signed = Client(base_url).post("/organisations", body, key=f"sign-up/{said.kind}/{said.credit_code}")
    organisation_id = signed["organisation"]["organisation_id"]
    made = Organisation(said.kind, organisation_id, said.legal_name, base_url)
    give_keys(made, Client(base_url, api_key=signed["api_key"]))
    operator["administrator"].post(
        f"/organisations/{organisation_id}/verify", {"note": "papers seen"}, key=f"verify/{organisation_id}"
    )
    if said.kind == "provider":
        _let_in(made, operator, said)
    return made


def _let_in(provider: Organisation, operator: Organisation, said: Particulars) -> None:
    path = f"/providers/{provider.organisation_id}/review"
    provider["lab_manager"].post(
        "/providers",
        {
            "name_zh": said.legal_name, "name_en": said.legal_name_en, "region": said.region,
            "introduction": "演示用机构 A made-up laboratory", "entry_standards": ["cnas"],
        },
        key=f"apply/{provider.organisation_id}",
    )  # fmt: skip
    reviewer = operator["catalogue_operator"]
    reviewer.post(path, {"decision": "take_up"}, key=f"take-up/{provider.organisation_id}")
    # That identity has verified it reaches the catalogue by an event, a moment later.
    once_ready(
        lambda: reviewer.post(path, {"decision": "approve"}, key=f"approve/{provider.organisation_id}"),
        "catalog.provider_not_ready",
    )


def once_ready(step: Callable[[], Json], *not_yet: str, timeout_s: float = 30.0) -> Json:
    """Do *step*; where it is refused with one of the codes *not_yet*, an event is still under way: try again."""

    def attempt() -> Json | None:
        try:
            return step()
        except Refused as refused:
            if refused.code in not_yet:
                return None
            raise

    what = f"what {', '.join(not_yet)} waits for"
    done = until(attempt, lambda found: found is not None, what, timeout_s=timeout_s)
    if done is None:
        raise AssertionError("until answers what is done")
    return done


def publish_plan(operator: Organisation, *, fee_bps: int = 1_000, station_bps: int = 7_000) -> None:
    """A commission plan is in force: published unless there is one."""
    finance = operator["finance_operator"]
    if not finance.get("/commission-plans")["items"]:
        plan = {"valid_from": "2026-01-01T00:00:00+08:00", "fee_bps": fee_bps, "station_bps": station_bps}
        finance.post("/commission-plans", plan, key="commission-plan/2026")


def confirm_referral(cast: Cast, evidence: str, *, key: str) -> Json:
    """The station claims the customer and the operating company confirms; an earlier confirmation stands."""
    if cast.station is None:
        raise ValueError("nobody brought the customer")
    station = cast.station["station_manager"]
    claim = {"customer_id": cast.customer.organisation_id, "evidence": evidence}
    claimed = station.post("/referrals", claim, key=f"{key}/claim")
    decision = {"decision": "confirm", "reason": "evidence seen"}
    path = f"/referrals/{claimed['referral_id']}/decide"
    return cast.operator["finance_operator"].post(path, decision, key=f"{key}/confirm")


def publish_offering(provider: Organisation, operator: Organisation, title: str, unit_price: int) -> str:
    """An offering of *provider* at *unit_price* (fen, net, per sample), to be found and ordered. Answers its id."""
    content = {
        "title_zh": f"{title} 检测", "title_en": f"{title} testing",
        "method_zh": "标准方法", "method_en": "standard method",
        "method_codes": ["JY/T 0587-2020"], "unit": "sample", "turnaround_working_days": 7,
    }  # fmt: skip
    price = {
        "valid_from": "2026-01-01T00:00:00+08:00", "charge_basis": "实验室公布价 published by the laboratory",
        "unit_price": {"amount": unit_price, "currency": "CNY"},
    }  # fmt: skip
    key = f"offering/{provider.organisation_id}/{title}"
    made = provider["lab_manager"].post("/offerings", {"content": content, "prices": [price]}, key=key)
    path = f"/offerings/{made['offering_id']}/steps"
    provider["lab_manager"].post(path, {"step": "submit"}, key=f"{key}/submit")
    operator["catalogue_operator"].post(path, {"step": "publish"}, key=f"{key}/publish")
    return str(made["offering_id"])
