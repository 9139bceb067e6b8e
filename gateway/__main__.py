"""python -m gateway serve | migrate | create-admin | openapi"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.config import GatewaySettings
from gateway.identity.__main__ import DEFINITION
from gateway.identity.config import IdentitySettings
from gateway.identity.service import Identity
from services.shared.chassis import health, logs, migrate, telemetry
from services.shared.chassis.settings import ProcessSettings, load
from services.shared.kernel.ids import NO_ONE, derived_id
from services.shared.kernel.tax import TaxProfile
from services.shared.messages.identity.organisation import (
    AccountWanted,
    FirstMember,
    FoundOperator,
    OrganisationRegistration,
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer HTTP")
    commands.add_parser("migrate", help="bring identity's database to the newest schema")
    commands.add_parser("openapi", help="write gateway/openapi.json anew")
    admin = commands.add_parser(
        "create-admin", help="the operating company and its first administrator, once; prints a one-time link"
    )
    admin.add_argument("--organisation", required=True, help="legal name")
    admin.add_argument("--organisation-en", help="legal name in English; none: as --organisation")
    admin.add_argument("--uscc", required=True, help="unified social credit code")
    admin.add_argument("--mail", required=True, help="of the administrator; also the company's own at first")
    admin.add_argument("--name", default="Administrator")
    admin.add_argument("--address", default="-")
    admin.add_argument("--phone", default="00000")
    admin.add_argument("--language", choices=("zh", "en"), default="zh")
    admin.add_argument("--bank-name", help="with --account-number: the company's own account")
    admin.add_argument("--account-number")
    options = parser.parse_args(arguments)
    if options.command == "serve":
        return _serve()
    if options.command == "migrate":
        migrate.upgrade(DEFINITION, load(IdentitySettings)[0])
        return 0
    if options.command == "openapi":
        return _openapi()
    return _create_admin(options)


def _serve() -> int:
    import uvicorn

    from gateway.app import checks, create_app, shared_by_all
    from gateway.connection import impatient
    from services.shared.chassis.rpc_client import RpcClient

    (process,) = load(ProcessSettings)
    settings, identity = _settings()
    logs.configure("gateway", process.log_level, process.log_format)
    telemetry.configure("gateway", process.otlp_endpoint)
    rpc = RpcClient(str(settings.broker_url))
    shared = shared_by_all(settings, rpc, Identity(identity, settings.session_secret.get_secret_value()))
    if settings.health_port is not None:
        health.serve(process.health_host, settings.health_port, checks(shared))
    # When all is served and closed, uvicorn raises the signal that stopped it once more: to end well is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(shared),
        host=settings.host,
        port=settings.port,
        http=impatient(settings.head_timeout_s),
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=int(process.grace_s),
        timeout_keep_alive=30,
    )
    return 0


def _settings() -> tuple[GatewaySettings, IdentitySettings]:
    gateway, identity = load(GatewaySettings, IdentitySettings)
    if not isinstance(gateway, GatewaySettings) or not isinstance(identity, IdentitySettings):
        raise TypeError("settings were loaded in another order")
    return gateway, identity


def _openapi() -> int:
    from gateway.app import create_app, shared_by_all
    from gateway.documentation import describe
    from services.shared.chassis.rpc_client import RpcClient

    # Nothing of this is connected to: the description depends on no setting.
    settings = GatewaySettings.model_validate(
        {"broker_url": "amqp://broker.invalid", "public_url": "https://yiqi.example", "session_secret": "-" * 32}
    )
    identity = IdentitySettings.model_validate(
        {"database_url": "postgresql://database.invalid/identity", "relay_broker_url": "amqp://broker.invalid"}
    )
    app = create_app(shared_by_all(settings, RpcClient(str(settings.broker_url)), Identity(identity, "-" * 32)))
    target = Path(__file__).parent / "openapi.json"
    target.write_text(json.dumps(describe(app), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(f"{target.name}: {len(describe(app)['paths'])} paths\n")
    return 0


def _create_admin(options: argparse.Namespace) -> int:
    settings, identity_settings = _settings()
    logs.configure("create-admin")
    identity = Identity(identity_settings, settings.session_secret.get_secret_value())
    account = None
    if options.bank_name and options.account_number:
        account = AccountWanted(
            bank_name=options.bank_name, account_name=options.organisation, account_number=options.account_number
        )
    command = FoundOperator(
        legal_name=options.organisation,
        legal_name_en=options.organisation_en or options.organisation,
        unified_social_credit_code=options.uscc,
        address=options.address,
        mail=options.mail,
        phone=options.phone,
        tax_profile=TaxProfile("general_6", can_issue_special=True),
        bank_account=account,
        first_member=FirstMember(name=options.name, mail=options.mail, language=options.language),
    )
    request = {
        "body": command.model_dump_json(),
        "actor": {"organisation_id": str(NO_ONE), "roles": [], "kind": "system", "operator": False},
        # A key of its own each time: a second run must be refused, not answered with the first one's link.
        "key": str(derived_id("create-admin", identity.clock.wall())),
        "correlation_id": "create-admin",
    }
    answer = identity.call("found_operator", request)
    if "error" in answer:
        sys.stderr.write(f"refused: {answer['error']['code']}: {answer['error']['text']}\n")
        return 1
    made = OrganisationRegistration.parse(answer["view"])
    sys.stdout.write(
        f"{made.organisation.number} {made.organisation.legal_name}\n"
        f"{made.member.mail} may set a password here, once, within {identity_settings.link_days} days:\n"
        f"{settings.public_url}/join?token={identity.secrets.link(made.link_seed)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
