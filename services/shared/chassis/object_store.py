"""
Files in an S3 store (minio client). Bytes never pass through a service: people send and fetch them by presigned URL.

An upload goes to the bucket for uploads under a key that says nothing; finalising it checks size,
type by content and SHA-256, and copies it to the records bucket, where it is versioned and under
lock. What is checked is the copy's own bytes, so that exchanging the upload afterwards changes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import unquote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import GOVERNANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention

from services.shared.kernel.errors import Invalid, NotFound, Unavailable

UPLOAD_URL_VALID = timedelta(minutes=15)
DOWNLOAD_URL_VALID = timedelta(minutes=5)
KEPT_YEARS = 10

MAGIC: Mapping[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}
"""First bytes of the types that may be uploaded: a file's name and its sender's word count for nothing."""


class UploadMissing(NotFound):
    """Nothing was uploaded there."""

    code = "upload_missing"


class UploadMismatch(Invalid):
    """The uploaded bytes are not what was declared."""

    code = "upload_mismatch"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file kept: *key* in the records bucket, *sha256* in hexadecimal, *size* in bytes."""

    key: str
    sha256: str
    size: int


class ObjectStore:
    """The two buckets of one service."""

    def __init__(self, url: str, bucket: str, records_bucket: str) -> None:
        parts = urlsplit(url)
        self.bucket = bucket
        self.records_bucket = records_bucket
        self.client = Minio(
            f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname),
            access_key=unquote(parts.username or ""),
            secret_key=unquote(parts.password or ""),
            secure=parts.scheme == "https",
            region="us-east-1",  # named, so that presigning never asks the server for it
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=30), retries=urllib3.Retry(1)),
        )

    def upload_url(self, key: str) -> str:
        """Where the holder may PUT one file under *key*, for 15 minutes. Makes no request."""
        url: str = self.client.presigned_put_object(self.bucket, key, UPLOAD_URL_VALID)
        return url

    def download_url(self, key: str, filename: str) -> str:
        """Where the holder may GET the record *key*, for 5 minutes, always as an attachment."""
        url: str = self.client.presigned_get_object(
            self.records_bucket,
            key,
            DOWNLOAD_URL_VALID,
            response_headers={"response-content-disposition": f'attachment; filename="{filename}"'},
        )
        return url

    def finalise(self, upload_key: str, record_key: str, *, sha256: str, size: int, media_type: str) -> Stored:
        """
        Check what was uploaded and keep it. Doing it again with the same arguments changes nothing.

        Raises:
            UploadMissing: Nothing stands under *upload_key*.
            UploadMismatch: Size, hash or type by content differ from what was declared.
            Unavailable: The store does not answer.
        """
        body = self._get(self.bucket, upload_key, limit=size)
        if len(body) != size or hashlib.sha256(body).hexdigest() != sha256.lower():
            raise UploadMismatch("size or SHA-256 differ")
        if not any(body.startswith(magic) for magic in MAGIC.get(media_type, ())):
            raise UploadMismatch("the content is not of the declared type", media_type=media_type)
        return self.keep(record_key, body, media_type)

    def keep(self, key: str, body: bytes, media_type: str) -> Stored:
        """Write a record once; the same bytes again change nothing, other bytes are refused by the lock."""
        stored = Stored(key, hashlib.sha256(body).hexdigest(), len(body))
        try:
            if self._has(key, len(body)):
                return stored
            self.client.put_object(
                self.records_bucket,
                key,
                BytesIO(body),
                len(body),
                content_type=media_type,
                retention=Retention(GOVERNANCE, datetime.now(UTC) + timedelta(days=366 * KEPT_YEARS)),
            )
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable("the object store does not answer") from error
        return stored

    def fetch(self, key: str, size_max: int = 64 * 1024 * 1024) -> bytes:
        """The bytes of a record."""
        return self._get(self.records_bucket, key, limit=size_max)

    def _has(self, key: str, size: int) -> bool:
        try:
            return bool(self.client.stat_object(self.records_bucket, key).size == size)
        except S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchObject"}:
                return False
            raise

    def _get(self, bucket: str, key: str, *, limit: int) -> bytes:
        """The object's bytes; one more than *limit* at the most, so that a larger one shows without being read."""
        answer = None
        try:
            answer = self.client.get_object(bucket, key)
            body: bytes = answer.read(limit + 1)
        except S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchObject"}:
                raise UploadMissing from error
            raise Unavailable("the object store refused") from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable("the object store does not answer") from error
        finally:
            if answer is not None:
                answer.close()
                answer.release_conn()
        return body
