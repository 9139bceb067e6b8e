"""The commands of every service (`python -m services.orders …`) and of the chassis, which hosts several."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from services.shared.chassis.definition import HOSTED, Definition, find, named
from services.shared.chassis.settings import ProcessSettings, load


def main(definition: Definition, arguments: Sequence[str] | None = None) -> int:
    """`serve | work | migrate` of one service."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{definition.name}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="RPC commands and queries")
    _work_options(commands.add_parser("work", help="relay, receiver, handlers, outside calls, timers"))
    commands.add_parser("migrate", help="bring the database to the newest schema")
    for name in definition.commands:
        commands.add_parser(name, help=f"of {definition.name} alone; see its README")
    options = parser.parse_args(arguments)
    if options.command in definition.commands:
        code: int = named(definition.commands[options.command])(load(definition.settings)[0])
        return code
    return _run(options, [definition])


def hosting(arguments: Sequence[str] | None = None) -> int:
    """`python -m services.shared.chassis …`: what concerns several services at once."""
    parser = argparse.ArgumentParser(prog="python -m services.shared.chassis")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("serve", "RPC of several services in one process"),
        ("work", "relay, receiver, handlers, outside calls, timers of several services"),
        ("migrate", "databases of several services"),
        ("verify", "check the hash chain of each service's event log"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("services", nargs="+", choices=(*HOSTED, "identity"), metavar="SERVICE")
        if name == "work":
            _work_options(command)
    commands.add_parser("topology", help="everything the broker must have; run as its administrator")
    clock = commands.add_parser("clock", help="demo and tests only: move business time in every database")
    clock.add_argument("advance_s", type=float, help="seconds to move it forward by; 0 only shows it")
    options = parser.parse_args(arguments)
    if options.command == "topology":
        return _topology()
    if options.command == "clock":
        return _clock(options.advance_s)
    return _run(options, [find(name) for name in options.services])


def _work_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="some of relay,receiver,handlers,outside,timers")


def _run(options: argparse.Namespace, definitions: list[Definition]) -> int:
    if options.command == "serve":
        from services.shared.chassis import serve

        return serve.run(definitions)
    if options.command == "work":
        from services.shared.chassis import work

        return work.run(definitions, options.only.split(",") if options.only else work.PARTS)
    settings = load(*(definition.settings for definition in definitions))
    if options.command == "verify":
        return _verify(definitions)
    from services.shared.chassis import migrate

    for definition, own in zip(definitions, settings, strict=True):
        migrate.upgrade(definition, own)
    return 0


def _verify(definitions: list[Definition]) -> int:
    from services.shared.chassis import database, event_log

    broken = 0
    for definition, settings in zip(definitions, load(*(each.settings for each in definitions)), strict=True):
        source = database.engine(settings.database_url, name="verify", pool_size=1)
        with database.connection(source) as held:
            cursor = database.driver(held).cursor("chain", withhold=True)
            cursor.execute("SELECT seq, body, body_sha256, hash FROM event_log ORDER BY seq")
            count = 0
            try:
                for count in event_log.verify(cursor):  # noqa: B007 - the last number is the count
                    pass
            except event_log.ChainBroken as error:
                broken += 1
                sys.stdout.write(f"{definition.name}: BROKEN at {error}\n")
            else:
                sys.stdout.write(f"{definition.name}: {count} events, chain holds\n")
            cursor.close()
    return 1 if broken else 0


def _topology() -> int:
    from services.shared.chassis import topology

    try:
        admin_url, vhost, accounts = topology.from_environment()
        followed = {name: find(name).load_work(load(find(name).settings)[0]).sources() for name in HOSTED}
        topology.apply(admin_url, vhost, topology.definitions(vhost, accounts, followed))
    except topology.TopologyRefused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("the broker has its topology\n")
    return 0


def _clock(advance_s: float) -> int:
    from services.shared.chassis import database

    if not load(ProcessSettings)[0].clock_settable:
        sys.stderr.write("business time can be moved in demo and tests only (YIQI_CLOCK_SETTABLE)\n")
        return 1
    sources = {
        name: database.engine(load(find(name).settings)[0].database_url, name="clock", pool_size=1)
        for name in (*HOSTED, "identity")
    }
    with ExitStack() as opened:
        held = {name: opened.enter_context(database.connection(source)) for name, source in sources.items()}
        # At once, with all of them open: what follows of a clock that has moved must meet no clock that has not.
        for name, connection in held.items():
            offset_s = connection.exec_driver_sql(
                "UPDATE clock SET offset_s = offset_s + %s RETURNING offset_s", (advance_s,)
            ).scalar_one()
            sys.stdout.write(f"{name}: {offset_s:+.0f} s\n")
    return 0
