"""Each service reaches its own database and buckets and nothing of another's."""

import io
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from minio import Minio
from minio.commonconfig import GOVERNANCE
from minio.error import S3Error
from minio.retention import Retention

from infra.local import object_store, rabbitmq
from infra.local.environment import database_url
from infra.local.programs import DATABASES, SERVICES
from tests.integration.infra.local_stack import LocalStack

ROLES = [role for database in DATABASES for role in (database, f"{database}_owner")]


@pytest.mark.parametrize("role", ROLES)
def test_role_reaches_its_own_database_only(stack: LocalStack, role: str) -> None:
    known = stack.state()
    for database in (*DATABASES, "postgres", "template1"):
        if database == role.removesuffix("_owner"):
            with closing(psycopg2.connect(database_url(known, database, role))):
                continue
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(database_url(known, database, role))


def test_wrong_database_password_is_refused(stack: LocalStack) -> None:
    url = stack.environment()["YIQI_ORDERS_DATABASE_URL"]
    secret = stack.state().secrets["database orders"]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url.replace(secret, "0" * len(secret)))


def test_run_time_role_changes_rows_but_no_tables(stack: LocalStack) -> None:
    environment = stack.environment()
    with closing(psycopg2.connect(environment["YIQI_BILLING_OWNER_DATABASE_URL"])) as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("CREATE TABLE probe (id bigserial PRIMARY KEY, word text)")
            cursor.execute("CREATE FUNCTION probe_twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'")
        try:
            with closing(psycopg2.connect(environment["YIQI_BILLING_DATABASE_URL"])) as runtime:
                runtime.autocommit = True
                with runtime.cursor() as cursor:
                    cursor.execute("INSERT INTO probe (word) VALUES ('a') RETURNING id")
                    cursor.execute("UPDATE probe SET word = 'b'")
                    cursor.execute("SELECT word, probe_twice(4) FROM probe")
                    assert cursor.fetchall() == [("b", 8)]
                    cursor.execute("DELETE FROM probe")
                    for forbidden in (
                        "CREATE TABLE mine ()", "DROP TABLE probe", "ALTER TABLE probe ADD x int", "TRUNCATE probe",
                        "CREATE SCHEMA mine", "CREATE TEMPORARY TABLE mine ()",
                    ):  # fmt: skip
                        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                            cursor.execute(forbidden)
        finally:
            with owner.cursor() as cursor:
                cursor.execute("DROP TABLE probe; DROP FUNCTION probe_twice(int)")


def test_what_was_committed_is_on_disk(stack: LocalStack) -> None:
    with (
        closing(psycopg2.connect(stack.environment()["YIQI_ORDERS_DATABASE_URL"])) as session,
        session.cursor() as cursor,
    ):
        for setting, expected in {
            "fsync": "on", "synchronous_commit": "on", "data_checksums": "on", "server_encoding": "UTF8",
            "listen_addresses": "127.0.0.1", "max_connections": "200", "shared_buffers": "128MB", "TimeZone": "UTC",
        }.items():  # fmt: skip
            cursor.execute("SELECT current_setting(%s)", [setting])
            assert cursor.fetchone() == (expected,), setting


@pytest.mark.parametrize("service", SERVICES)
def test_service_reaches_its_own_buckets_only(stack: LocalStack, service: str) -> None:
    known = stack.state()
    store = object_store.client(known, service)
    for owner in SERVICES:
        for bucket in (f"yiqi-{owner}", f"yiqi-{owner}-records"):
            if owner == service:
                written = store.put_object(bucket, "probe", io.BytesIO(b"mine"), 4)
                with closing(store.get_object(bucket, "probe", version_id=written.version_id)) as answer:
                    assert answer.read() == b"mine"
                    answer.release_conn()
                store.remove_object(bucket, "probe", version_id=written.version_id)
                continue
            for forbidden in (
                lambda bucket=bucket: store.put_object(bucket, "probe", io.BytesIO(b"x"), 1),
                lambda bucket=bucket: store.get_object(bucket, "probe"),
                lambda bucket=bucket: store.stat_object(bucket, "probe"),
                lambda bucket=bucket: list(store.list_objects(bucket)),
            ):
                with pytest.raises(S3Error) as refused:
                    forbidden()
                assert refused.value.code == "AccessDenied"
    with pytest.raises(S3Error):
        store.make_bucket(f"mine-{service}")


@pytest.mark.parametrize(
    ("access", "secret", "code"),
    [("yiqi-orders", "wrong", "SignatureDoesNotMatch"), ("nobody", "wrong", "InvalidAccessKeyId")],
)
def test_wrong_object_store_keys_are_refused(stack: LocalStack, access: str, secret: str, code: str) -> None:
    port = stack.state().ports["object-store"]
    store = Minio(f"127.0.0.1:{port}", access, secret, secure=False, region="us-east-1")
    with pytest.raises(S3Error) as refused:
        store.put_object("yiqi-orders", "probe", io.BytesIO(b"x"), 1)
    assert refused.value.code == code


def test_records_under_retention_cannot_be_removed(stack: LocalStack) -> None:
    known = stack.state()
    service, admin = object_store.client(known, "invoicing"), object_store.client(known, "admin")
    until = datetime.now(UTC) + timedelta(minutes=5)
    kept = service.put_object(
        "yiqi-invoicing-records", "invoice.pdf", io.BytesIO(b"%PDF"), 4, retention=Retention(GOVERNANCE, until)
    )
    try:
        with pytest.raises(S3Error) as refused:
            service.remove_object("yiqi-invoicing-records", "invoice.pdf", version_id=kept.version_id)
        assert refused.value.code == "AccessDenied"
        # An overwrite is a new version; the first stays readable.
        service.put_object("yiqi-invoicing-records", "invoice.pdf", io.BytesIO(b"other"), 5)
        with closing(service.get_object("yiqi-invoicing-records", "invoice.pdf", version_id=kept.version_id)) as answer:
            assert answer.read() == b"%PDF"
            answer.release_conn()
    finally:
        assert admin.get_bucket_versioning("yiqi-invoicing-records").status == "Enabled"


def test_broker_has_one_administrator_and_no_guest(stack: LocalStack) -> None:
    known = stack.state()
    users = rabbitmq.ask(known, "users")
    assert isinstance(users, list)
    assert "guest" not in {user["name"] for user in users}
    assert {"name": "yiqi-admin", "tags": ["administrator"]}.items() <= users[0].items()
    request = urllib.request.Request(f"http://127.0.0.1:{known.ports['rabbitmq-management']}/api/overview")
    request.add_header("Authorization", "Basic " + b64encode(b"guest:guest").decode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)  # noqa: S310 loopback
    assert refused.value.code == 401
    refused.value.close()
