"""RabbitMQ: find it, configure a private node with its own epmd and cookie, start it."""

import base64
import json
import os
import shutil
import urllib.request
from pathlib import Path

from infra.local.environment import BROKER_ADMINISTRATOR, VHOST
from infra.local.errors import PartMissing
from infra.local.install import apt_install, hidden, how_to_get
from infra.local.ports import LOOPBACK
from infra.local.programs import Program
from infra.local.state import Stack, write_private

SOURCES = ("rabbitmq-path", "rabbitmq-system", "rabbitmq-apt")
SYSTEM_PLACES = (Path("/usr/lib/rabbitmq/bin"), Path("/usr/sbin"))
NODE = "yiqi@localhost"

# The first administrator stands here instead of `guest`, who therefore never exists.
_CONFIGURATION = """\
# Written by infra/local at every start.
listeners.tcp.1 = {address}:{port}
management.tcp.ip = {address}
management.tcp.port = {management_port}
management.rates_mode = none
default_vhost = {vhost}
default_user = {administrator}
default_pass = {password}
default_user_tags.administrator = true
vm_memory_high_watermark.relative = 0.3
disk_free_limit.absolute = 256MB
log.console = true
log.console.level = info
log.file = false
collect_statistics_interval = 10000
"""


def find_or_install() -> Path:
    """
    The folder with the real rabbitmq-server and rabbitmqctl; installs the package when there is none.

    Raises:
        PartMissing: It is nowhere and cannot be installed.
    """
    found = _find()
    if found is None and not hidden("rabbitmq-apt"):
        apt_install("rabbitmq-server")
        found = _find(after_install=True)
    if found is None or _epmd() is None:
        raise PartMissing(how_to_get("rabbitmq-server"))
    return found


def _find(*, after_install: bool = False) -> Path | None:
    places: list[Path] = []
    if (after_install or not hidden("rabbitmq-path")) and (server := shutil.which("rabbitmq-server")):
        places.append(Path(server).resolve().parent)
    if after_install or not hidden("rabbitmq-system"):
        places.extend(SYSTEM_PLACES)
    # Debian's /usr/sbin/rabbitmq-server is a wrapper that insists on root or the account `rabbitmq` and on the
    # system's folders. The real script has rabbitmq-env beside it and runs as anybody.
    return next((place for place in places if (place / "rabbitmq-env").is_file()), None)


def _epmd() -> str | None:
    erlang = shutil.which("erl")
    beside = [] if erlang is None else [str(Path(erlang).resolve().parent)]
    return shutil.which("epmd", path=os.pathsep.join([os.environ.get("PATH", ""), *beside, "/usr/lib/erlang/bin"]))


def prepare(stack: Stack) -> None:
    """Write configuration, enabled plugins and Erlang cookie."""
    home = stack.folder("rabbitmq")
    if not stack.broker_provisioned:
        # A first start that was cut off may have left a database without our administrator.
        shutil.rmtree(home / "mnesia", ignore_errors=True)
    write_private(
        home / "rabbitmq.conf",
        _CONFIGURATION.format(
            address=LOOPBACK, port=stack.port("rabbitmq"), management_port=stack.port("rabbitmq-management"),
            vhost=VHOST, administrator=BROKER_ADMINISTRATOR, password=stack.secret(f"broker {BROKER_ADMINISTRATOR}"),
        ),
    )  # fmt: skip
    write_private(home / "enabled_plugins", "[rabbitmq_management].\n")
    cookie = home / ".erlang.cookie"
    if not cookie.exists():
        write_private(cookie, stack.secret("erlang cookie"))
        # Erlang refuses a cookie that anybody else could read.
        cookie.chmod(0o400)


def environment(stack: Stack) -> dict[str, str]:
    """What points the broker's scripts (server and rabbitmqctl) at this node and nothing of the system's."""
    home = stack.directory / "rabbitmq"
    return {
        "HOME": str(home),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_PID_FILE": str(home / "rabbitmq.pid"),
        "RABBITMQ_LOG_BASE": str(stack.directory / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_DIST_PORT": str(stack.port("erlang-distribution")),
        "ERL_EPMD_PORT": str(stack.port("epmd")),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_CRASH_DUMP": str(stack.directory / "log" / "erl_crash.dump"),
    }


def programs(stack: Stack, bin_directory: Path) -> list[Program]:
    """epmd, which would otherwise linger as a daemon after the node, and the node."""
    home = stack.folder("rabbitmq")
    stack.secret("erlang cookie")
    epmd = Program(
        "epmd",
        "part",
        (_epmd() or "epmd", "-address", LOOPBACK, "-port", str(stack.port("epmd"))),
        directory=home,
    )
    arguments = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none +A 4 -start_epmd false"
    server = Program(
        "rabbitmq",
        "part",
        (str(bin_directory / "rabbitmq-server"),),
        env={
            **environment(stack),
            # Makes the script exec the virtual machine, so that the supervisor's SIGTERM reaches it: it stops in order.
            "detached": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{arguments} -kernel inet_dist_use_interface {{127,0,0,1}}",
        },
        directory=home,
        stop_wait_s=60,
    )
    return [epmd, server]


def ask(stack: Stack, path: str, timeout_s: float = 5) -> object:
    """
    GET *path* of the management API as the administrator; the decoded JSON.

    Raises:
        OSError: It does not answer, or refuses.
    """
    login = f"{BROKER_ADMINISTRATOR}:{stack.secret(f'broker {BROKER_ADMINISTRATOR}')}"
    request = urllib.request.Request(f"http://{LOOPBACK}:{stack.port('rabbitmq-management')}/api/{path}")
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 loopback
        return json.load(answer)


def is_ready(stack: Stack) -> bool:
    """Whether the node answers its administrator, serves the vhost and listens for AMQP."""
    try:
        ask(stack, f"vhosts/{VHOST}")
        listeners = ask(stack, "overview")
    except (OSError, ValueError):
        return False
    ports = {entry["port"] for entry in listeners["listeners"]} if isinstance(listeners, dict) else set()
    return stack.port("rabbitmq") in ports
