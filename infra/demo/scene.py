"""
What the demonstration stands on: the operating company, the catalogue, a customer, a station, and who may sign in.

All of it is kept in <dir>/demo.json (mode 0600), so that a second run goes on with the same organisations.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from infra.demo import people
from infra.demo.catalogue import load as catalogue
from infra.demo.catalogue import real
from infra.demo.client import Client, Json, Refused, sign_in
from infra.demo.people import Cast, Login, Organisation, Particulars
from infra.demo.platform import Platform
from infra.local.progress import say, step
from infra.local.state import write_private

ADMINISTRATOR = "administrator@yiqi.example"
FIRST_PROVIDER, FIRST_OFFERING = "lingnan-microscopy", "lingnan-microscopy-04"
SECOND_PROVIDER = "binhai-nmr"
CUSTOMER = Particulars(
    "customer", "远航新材料（演示）有限公司", "Yuanhang New Materials (Demonstration) Co., Ltd.",
    people.credit_code(70_000_001), "office@yuanhang.example",
    "广东省深圳市演示大道 8 号 8 Demonstration Avenue, Shenzhen",
)  # fmt: skip
STATION = Particulars(
    "station", "南山科技服务站（演示）有限公司", "Nanshan Service Station (Demonstration) Co., Ltd.",
    people.credit_code(70_000_002), "office@nanshan-station.example",
    "广东省深圳市演示路 2 号 2 Demonstration Road, Shenzhen",
    account_number="6200000000000000702",
)  # fmt: skip


@dataclass
class Scene:
    """
    What demo.json holds.

    Attributes:
        secret: Passwords of people follow from it.
        link_token: Of the administrator's one-time link.
        parties: Own name → organisation; providers by the name of their catalogue.
        offerings: The catalogue's name of an offering → its id.
        referred_until: Until when, in business time, the station's referral earns.
        real: Sources of real catalogues that were loaded.
    """

    path: Path
    base_url: str
    secret: str = field(default_factory=lambda: secrets.token_hex(20))
    link_token: str = ""
    parties: dict[str, Organisation] = field(default_factory=dict)
    offerings: dict[str, str] = field(default_factory=dict)
    referred_until: str = ""
    real: list[str] = field(default_factory=list)
    orders: list[Json] = field(default_factory=list)
    documents: list[Json] = field(default_factory=list)

    @property
    def operator(self) -> Organisation:
        return self.parties["operator"]

    def cast(self, provider: str) -> Cast:
        return Cast(self.operator, self.parties["customer"], self.parties[provider], self.parties["station"])

    def cashiers(self) -> tuple[Client, Client]:
        """Two people of the operating company's finance, signed in."""
        logins = [self.operator.logins[role] for role in ("finance_operator", "second_finance_operator")]
        first, second = (sign_in(self.base_url, login.mail, login.password) for login in logins)
        return first, second

    def save(self) -> None:
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        # What a reader looks for comes by role: the parties of the first order stand for their kinds.
        shown = {name: party for name, party in self.parties.items() if name in _SHOWN}
        content["portal_url"] = self.base_url
        content["docs_url"] = f"{self.base_url}/docs"
        content["logins"] = {
            role: {**asdict(login), "organisation": party.legal_name}
            for party in shown.values()
            for role, login in party.logins.items()
        }
        content["api_keys"] = {role: key for party in shown.values() for role, key in party.api_keys.items()}
        write_private(self.path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


_SHOWN = ("operator", "customer", "station", FIRST_PROVIDER)


def load(platform: Platform) -> Scene:
    """The scene of an earlier run, or an empty one: there was none, or its platform is gone."""
    path, base_url = platform.directory / "demo.json", platform.base_url
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return Scene(path, base_url)
    known = {name: content[name] for name in Scene.__dataclass_fields__ if name in content}
    parties = {name: _party(party, base_url) for name, party in content["parties"].items()}
    scene = Scene(**{**known, "path": path, "base_url": base_url, "parties": parties})
    if "operator" in parties:
        try:
            scene.operator["administrator"].get("/me")
        except Refused:
            say("demo.json is of a platform that is gone: beginning anew")
            return Scene(path, base_url)
    return scene


def _party(content: Mapping[str, Any], base_url: str) -> Organisation:
    logins = {role: Login(**login) for role, login in content["logins"].items()}
    return Organisation(**{**content, "base_url": base_url, "logins": logins})


def prepare(platform: Platform, data: Path | None) -> Scene:
    """Whatever of the scene is missing is made; saved after each part, so that a run cut short is taken up again."""
    scene = load(platform)
    if "operator" not in scene.parties:
        with step("founding the operating company"):
            _found(platform, scene)
    if not scene.offerings:
        with step("loading the demonstration catalogue"):
            _load_catalogue(scene)
    for name, said in (("customer", CUSTOMER), ("station", STATION)):
        if name not in scene.parties:
            with step(f"signing up a {name}"):
                scene.parties[name] = people.sign_up(scene.base_url, scene.operator, said)
                _staff(scene, scene.parties[name], said.mail.partition("@")[2])
                scene.save()
    if data is not None:
        _load_real(scene, data)
    _refer(platform, scene)
    return scene


def _found(platform: Platform, scene: Scene) -> None:
    if not scene.link_token:
        scene.link_token = platform.create_admin(ADMINISTRATOR)
        scene.save()
    password = people.password_of(scene.secret, ADMINISTRATOR)
    operator = people.found_operator(scene.base_url, ADMINISTRATOR, password, scene.link_token)
    people.publish_plan(operator)
    roles = ("catalogue_operator", "contract_operator", "finance_operator", "second_finance_operator")
    people.give_logins(operator, operator["administrator"], roles, "yiqi.example", scene.secret)
    scene.parties["operator"] = operator
    scene.save()


def _load_catalogue(scene: Scene) -> None:
    offerings: dict[str, str] = {}
    acting = partial(Client, scene.base_url)
    for loaded in catalogue.load(acting, scene.operator.api_keys["catalogue_operator"], catalogue.catalogues()):
        manager = Client(scene.base_url, api_key=loaded.api_key)
        name = manager.get("/me")["organisation"]["legal_name"]
        provider = Organisation("provider", loaded.organisation_id, name, scene.base_url)
        people.give_keys(provider, manager)
        scene.parties[loaded.key] = provider
        offerings |= loaded.offerings
        if loaded.key == FIRST_PROVIDER:
            _staff(scene, provider, f"{loaded.key}.example")
    scene.offerings = offerings
    scene.save()


def _staff(scene: Scene, organisation: Organisation, domain: str) -> None:
    manager = organisation[people.MANAGERS[organisation.kind]]
    people.give_logins(organisation, manager, people.ROLES[organisation.kind], domain, scene.secret)


def _load_real(scene: Scene, data: Path) -> None:
    acting = partial(Client, scene.base_url)
    found, unread = real.read(data)
    for number, (source, readings) in enumerate(found.items()):
        if source in scene.real:
            continue
        entries = [entry for reading in readings for entry in reading.entries]
        with step(f"{source}: {len(entries)} entries as drafts, {sum(len(r.refusals) for r in readings)} rows refused"):
            catalogue.load(
                acting, scene.operator.api_keys["catalogue_operator"], [_as_catalogue(source, number, entries)],
                publish=False,
            )  # fmt: skip
        scene.real.append(source)
        scene.save()
    if unread:
        say(f"not read, as no reader knows them: {', '.join(unread)}")


def _as_catalogue(source: str, number: int, entries: list[Json]) -> Json:
    """A provider for a real institution's entries. Nobody of that institution has signed up, and its name says so."""
    name = f"数据来源 {source}（未入驻）"
    return {
        "key": source,
        "organisation": {
            "legal_name": name,
            "legal_name_en": f"Data source {source} (has not joined)",
            "unified_social_credit_code": people.credit_code(71_000_000 + number),
            "address": "-",
            "mail": f"office@{source}.example",
            "phone": "+86 10 0000 0000",
            "tax_profile": {"taxpayer": "general_6", "can_issue_special": True},
            "bank_account": {
                "bank_name": "演示银行 Demonstration Bank", "account_name": name,
                "account_number": f"62000000000000{number:05d}",
            },
        },
        "provider": {
            "name_zh": name, "name_en": f"Data source {source}", "region": "000000",
            "introduction": "公开数据，仅作演示。 Public data, for demonstration.",
            "entry_standards": ["university_core_facility"],
        },
        "valid_from": "2026-01-01T00:00:00+08:00",
        "charge_basis": "来源公布 as published by the source",
        "offerings": entries,
    }  # fmt: skip


def _refer(platform: Platform, scene: Scene) -> None:
    """The station claims the customer, and finance confirms; a referral that still earns is left alone."""
    soon = platform.now() + timedelta(days=1)
    if scene.referred_until and datetime.fromisoformat(scene.referred_until) > soon:
        say(f"the station's referral of the customer earns until {scene.referred_until[:10]}")
        return
    with step("the station claims the customer; finance confirms"):
        confirmed = people.confirm_referral(
            scene.cast(FIRST_PROVIDER),
            "拜访记录与推荐函 Visit record and letter",
            key=f"referral/{scene.referred_until}",
        )
        scene.referred_until = confirmed["protected_until"]
        scene.save()
