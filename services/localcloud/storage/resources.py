"""The JSON API's resources, made of the index's records. Pure.

https://cloud.google.com/storage/docs/json_api/v1/objects#resource
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from services.localcloud.http import ApiError
from services.localcloud.storage.records import Bucket, Fields, Notification, StoredObject

WRITABLE = frozenset(
    {
        "cacheControl",
        "contentDisposition",
        "contentEncoding",
        "contentLanguage",
        "contentType",
        "customTime",
        "eventBasedHold",
        "metadata",
        "storageClass",
        "temporaryHold",
    }
)
"""Members of an object that a user may set; all others in a request are ignored."""

BUCKET_READ_ONLY = frozenset(
    {"kind", "id", "name", "project", "projectNumber", "selfLink", "timeCreated", "updated"}
    | {"metageneration", "etag"}
)
_BUCKET_DEFAULTS: Fields = {
    "location": "US",
    "locationType": "multi-region",
    "storageClass": "STANDARD",
    "iamConfiguration": {
        "bucketPolicyOnly": {"enabled": True},
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "inherited",
    },
}


def timestamp(microseconds: int) -> str:
    """RFC 3339 in UTC."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{fraction:06d}Z"


def etag(*numbers: int) -> str:
    return base64.b64encode("/".join(map(str, numbers)).encode()).decode()


def object_resource(stored: StoredObject, base: str) -> dict[str, Any]:
    """``base`` is the scheme and host for links. int64 are strings, as the JSON API has them."""
    path = f"/storage/v1/b/{stored.bucket}/o/{quote(stored.name, safe='')}"
    created = timestamp(stored.created)
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{stored.bucket}/{stored.name}/{stored.generation}",
        "selfLink": base + path,
        "mediaLink": f"{base}/download{path}?generation={stored.generation}&alt=media",
        "name": stored.name,
        "bucket": stored.bucket,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "storageClass": "STANDARD",
        "size": str(stored.size),
        "crc32c": stored.crc32c,
        "etag": etag(stored.generation, stored.metageneration),
        "timeCreated": created,
        "timeFinalized": created,
        "timeStorageClassUpdated": created,
        "updated": timestamp(stored.updated),
    }
    if stored.md5:
        resource["md5Hash"] = stored.md5
    if stored.components:
        resource["componentCount"] = stored.components
    return resource | stored.fields


def bucket_resource(bucket: Bucket, base: str) -> dict[str, Any]:
    generated = {
        "kind": "storage#bucket",
        "id": bucket.name,
        "name": bucket.name,
        "projectNumber": "0",
        "selfLink": f"{base}/storage/v1/b/{bucket.name}",
        "timeCreated": timestamp(bucket.created),
        "updated": timestamp(bucket.updated),
        "metageneration": str(bucket.metageneration),
        "etag": etag(bucket.metageneration),
    }
    return _BUCKET_DEFAULTS | bucket.fields | generated


def notification_resource(notification: Notification, base: str) -> dict[str, Any]:
    generated = {
        "kind": "storage#notification",
        "id": str(notification.id),
        "etag": etag(notification.id),
        "selfLink": f"{base}/storage/v1/b/{notification.bucket}/notificationConfigs/{notification.id}",
    }
    return notification.config | generated


def writable(body: Fields) -> Fields:
    """The members of a request's object resource that count; 400 for custom metadata that is no text map."""
    fields = {name: value for name, value in body.items() if name in WRITABLE and value is not None}
    metadata = fields.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str | None) for v in metadata.values()):
        raise ApiError(400, "Invalid value for metadata: must map strings to strings", "invalid")
    if "metadata" in fields:
        fields["metadata"] = {key: value for key, value in metadata.items() if value is not None}
    return fields


def patched(fields: Fields, patch: Fields) -> Fields:
    """JSON merge patch (RFC 7396): null removes, objects merge, all else replaces."""
    merged = dict(fields)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name, {}), dict):
            merged[name] = patched(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged
