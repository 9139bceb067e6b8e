"""The environment of the platform's processes: every address and password of this stack."""

from infra.local.ports import LOOPBACK
from infra.local.programs import SERVICES
from infra.local.state import Stack

VHOST = "yiqi"
BROKER_ADMINISTRATOR = "yiqi-admin"

# The operating company that runs a local stack; made up, as the demonstration and the tests found it.
COMPANY_NAME = "仪起科学仪器服务（演示）有限公司"
COMPANY_NAME_EN = "Yiqi Scientific Instrument Services (Demonstration) Co., Ltd."
COMPANY_CREDIT_CODE = "91110108MA01DEM00X"
COMPANY_ADDRESS = "北京市海淀区演示路 1 号 1 Demonstration Road, Beijing"
COMPANY_BANK = "演示银行 Demonstration Bank"
COMPANY_ACCOUNT = "6200000000000000001"
# Everybody who signs up on this machine comes from one address.
REGISTRATIONS_PER_HOUR = 1_000


def database_url(stack: Stack, database: str, role: str) -> str:
    """postgresql:// URL of *database* for *role* (`<database>` or `<database>_owner`)."""
    password = stack.secret(f"database {role}")
    return f"postgresql://{role}:{password}@{LOOPBACK}:{stack.port('postgres')}/{database}"


def _broker_url(stack: Stack, user: str) -> str:
    return f"amqp://{user}:{stack.secret('broker ' + user)}@{LOOPBACK}:{stack.port('rabbitmq')}/{VHOST}"


def broker_admin_url(stack: Stack) -> str:
    """http:// URL of the broker's management API with the administrator's password."""
    password = stack.secret(f"broker {BROKER_ADMINISTRATOR}")
    return f"http://{BROKER_ADMINISTRATOR}:{password}@{LOOPBACK}:{stack.port('rabbitmq-management')}"


def object_store_url(stack: Stack, identity: str) -> str:
    """http://ACCESS:SECRET@host:port of *identity* (a service, or `admin`)."""
    access, secret = object_store_keys(stack, identity)
    return f"http://{access}:{secret}@{LOOPBACK}:{stack.port('object-store')}"


def object_store_keys(stack: Stack, identity: str) -> tuple[str, str]:
    """Access key and secret key of *identity*."""
    return f"yiqi-{identity}", stack.secret(f"object store {identity}")


def buckets(service: str) -> tuple[str, str]:
    """The service's bucket, and its bucket under object lock."""
    return f"yiqi-{service}", f"yiqi-{service}-records"


def gateway_url(stack: Stack) -> str:
    """Where a browser finds the platform."""
    return f"http://{LOOPBACK}:{stack.port('gateway')}"


def platform_environment(stack: Stack) -> dict[str, str]:
    """Every variable that the platform reads, in a fixed order."""
    found: dict[str, str] = {}
    for service in SERVICES:
        prefix = f"YIQI_{service.upper()}"
        found[f"{prefix}_DATABASE_URL"] = database_url(stack, service, service)
        found[f"{prefix}_OWNER_DATABASE_URL"] = database_url(stack, service, f"{service}_owner")
        found[f"{prefix}_BROKER_URL"] = _broker_url(stack, service)
        found[f"{prefix}_RELAY_BROKER_URL"] = _broker_url(stack, f"relay_{service}")
        found[f"{prefix}_OBJECT_STORE_URL"] = object_store_url(stack, service)
        found[f"{prefix}_BUCKET"], found[f"{prefix}_RECORDS_BUCKET"] = buckets(service)
    found["YIQI_IDENTITY_DATABASE_URL"] = database_url(stack, "identity", "identity")
    found["YIQI_IDENTITY_OWNER_DATABASE_URL"] = database_url(stack, "identity", "identity_owner")
    found["YIQI_IDENTITY_RELAY_BROKER_URL"] = _broker_url(stack, "relay_identity")
    found["YIQI_GATEWAY_BROKER_URL"] = _broker_url(stack, "gateway")
    found["YIQI_GATEWAY_HOST"] = LOOPBACK
    found["YIQI_GATEWAY_PORT"] = str(stack.port("gateway"))
    found["YIQI_GATEWAY_HEALTH_PORT"] = str(stack.port("gateway-health"))
    found["YIQI_GATEWAY_PUBLIC_URL"] = gateway_url(stack)
    found["YIQI_GATEWAY_SESSION_SECRET"] = stack.secret("gateway session")
    found["YIQI_BROKER_ADMIN_URL"] = broker_admin_url(stack)
    found["YIQI_BROKER_VHOST"] = VHOST
    found["YIQI_STRIPE_API_KEY"] = stack.secret("stripe api key", prefix="sk_test_")
    found["YIQI_STRIPE_API_BASE"] = f"http://{LOOPBACK}:{stack.port('stripe')}"
    found["YIQI_STRIPE_WEBHOOK_SECRET"] = stack.secret("stripe webhook", prefix="whsec_")
    found["YIQI_SMTP_URL"] = f"smtp://{LOOPBACK}:{stack.port('smtp')}"
    found["YIQI_MAIL_FROM"] = "Yiqi <no-reply@yiqi.example>"
    found["YIQI_SERVE_PORT"] = str(stack.port("serve"))
    found["YIQI_WORK_PORT"] = str(stack.port("work"))
    found["YIQI_CLOCK_SETTABLE"] = "1"
    found["YIQI_NOTIFY_ALLOW_INSECURE_WEBHOOKS"] = "1"
    found["YIQI_GATEWAY_REGISTRATIONS_PER_HOUR"] = str(REGISTRATIONS_PER_HOUR)
    found["YIQI_ORDERS_PUBLIC_URL"] = gateway_url(stack)
    found |= _company()
    return found


def _company() -> dict[str, str]:
    return {
        "YIQI_BILLING_COMPANY_NAME": COMPANY_NAME,
        "YIQI_BILLING_COMPANY_CREDIT_CODE": COMPANY_CREDIT_CODE,
        "YIQI_BILLING_COMPANY_ADDRESS": COMPANY_ADDRESS,
        "YIQI_BILLING_BANK_ACCOUNT_NAME": COMPANY_NAME,
        "YIQI_BILLING_BANK_ACCOUNT_NUMBER": COMPANY_ACCOUNT,
        "YIQI_BILLING_BANK_NAME": COMPANY_BANK,
    }
