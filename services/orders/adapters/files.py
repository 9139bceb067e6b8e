"""Where this service's files are: its two buckets, opened once a process."""

from functools import cache

from services.orders.config import settings
from services.shared.chassis.object_store import ObjectStore


@cache
def store() -> ObjectStore:
    """Presigning with it makes no request, so commands and queries may."""
    read = settings()
    return ObjectStore(str(read.object_store_url), read.bucket, read.records_bucket)
