"""The builds of a stage in its bucket of packages: what ran, kept so that it can run again without being made again."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from typing import Any

from scripts.shipping.project import ShippingError
from scripts.shipping.retained import call_unless_absent

RECORDS, ROLLED_BACK = "builds/", "rolled-back/"
BUILD_DIGITS = 12
MOST_LISTED = 20


@dataclass(frozen=True)
class Release:
    """A package, the template it runs by, and the parameters it was last deployed with.

    `build`: its name, which GET /health returns; another package or template, and so another setting, is another build.
    `package`, `template`: keys in the bucket, each beginning with the SHA-256 of its content.
    """

    build: str
    package: str
    template: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def code_sha256(self) -> str:
        """The hash of the package as Lambda reports it for a function."""
        return _checksum(self.package)


@dataclass(frozen=True)
class Releases:
    """The builds in one bucket, whose order is that of their last deployments. The bucket is versioned."""

    s3: Any
    bucket: str

    def store(self, package: bytes, template: dict[str, Any]) -> Release:
        """Upload a package and the template that runs it, unless they are there already.

        The template names package and build as defaults of its parameters, so it is whole without them, and its
        translation publishes a new version of each function wherever only the code has changed.
        """
        package_key = self._upload(package, "zip")
        build = hashlib.sha256(package_key.encode() + _serialize(template)).hexdigest()[:BUILD_DIGITS]
        defaults = {"PackageKey": {"Default": package_key}, "Build": {"Default": build}}
        parameters = {name: declared | defaults.get(name, {}) for name, declared in template["Parameters"].items()}
        return Release(build, package_key, self._upload(_serialize(template | {"Parameters": parameters}), "json"))

    def _upload(self, content: bytes, kind: str) -> str:
        """The key of the content, which is its hash; S3 computes it again while it receives the content."""
        key = f"{hashlib.sha256(content).hexdigest()}.{kind}"
        if not self._is_whole(key):
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        return key

    def template_url(self, key: str) -> str:
        """The address of a template for CloudFormation, which reads it with the permissions of the caller.

        It has no signature and no bucket name in its host: the global host name of a new bucket redirects for hours,
        and rejects the old kind of signature, which boto3 uses in some regions.
        """
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"

    def record(self, release: Release) -> None:
        """Note that it was deployed. A build that is noted with the same parameters keeps its place in the order."""
        build = release.build
        if build in self.deployed_at and build not in self.rolled_back and self.read(build) == release:
            return
        body = json.dumps(asdict(release), sort_keys=True).encode()
        self.s3.put_object(Bucket=self.bucket, Key=f"{RECORDS}{build}.json", Body=body)
        self._reinstate(build)

    def record_return_to(self, build: str) -> None:
        """Note that this build runs again, and that later ones were rolled back: none is chosen unless it is named."""
        self._reinstate(build)
        for later in takewhile(lambda item: item != build, self.deployed_at):
            self.s3.put_object(Bucket=self.bucket, Key=f"{ROLLED_BACK}{later}", Body=b"")

    def _reinstate(self, build: str) -> None:
        if build in self.rolled_back:
            self.s3.delete_object(Bucket=self.bucket, Key=f"{ROLLED_BACK}{build}")

    @cached_property
    def deployed_at(self) -> dict[str, datetime]:
        """Build → when it was last deployed, the latest first."""
        latest_first = sorted(self._list(RECORDS).items(), key=lambda item: item[1], reverse=True)
        return {key.removesuffix(".json"): at for key, at in latest_first}

    @cached_property
    def rolled_back(self) -> frozenset[str]:
        """The builds that a rollback went away from, and that were not deployed since."""
        return frozenset(self._list(ROLLED_BACK))

    def read(self, build: str) -> Release:
        """Raises ShippingError for an unknown build, with the known ones."""
        if build not in self.deployed_at:
            raise ShippingError(f"There is no build {build!r} in {self.bucket}.\n{self.describe()}")
        response = self.s3.get_object(Bucket=self.bucket, Key=f"{RECORDS}{build}.json")
        return Release(**json.loads(response["Body"].read()))

    def before(self, build: str) -> Release:
        """The build that was deployed before this one and not rolled back. Raises ShippingError if there is none."""
        builds = list(self.deployed_at)
        # A deployment that was interrupted before it was noted is the latest one.
        earlier = builds[builds.index(build) + 1 :] if build in builds else builds
        earlier = [build for build in earlier if build not in self.rolled_back]
        if not earlier:
            raise ShippingError(f"There is no build before {build} in {self.bucket}.\n{self.describe()}")
        return self.read(earlier[0])

    def check(self, release: Release) -> None:
        """Raises ShippingError unless package and template are there as they were stored, byte for byte."""
        for key in (release.package, release.template):
            if not self._is_whole(key):
                raise ShippingError(
                    f"{key} in {self.bucket} was deleted or overwritten. Its first version is still there; delete the "
                    f"later ones: aws s3api list-object-versions --bucket {self.bucket} --prefix {key}"
                )

    def describe(self) -> str:
        """The latest builds, one a line."""
        lines = [
            f"  {build}  {at:%Y-%m-%d %H:%M} UTC{'  rolled back' * (build in self.rolled_back)}"
            for build, at in list(self.deployed_at.items())[:MOST_LISTED]
        ]
        return (
            "\n".join(["Builds that were deployed, the latest first:", *lines]) if lines else "None was deployed yet."
        )

    def _list(self, prefix: str) -> dict[str, datetime]:
        """The keys below a prefix, without it, and when each was written."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        items = [item for page in pages for item in page.get("Contents", [])]
        return {item["Key"].removeprefix(prefix): item["LastModified"] for item in items}

    def _is_whole(self, key: str) -> bool:
        """Whether the object has the content that its key names, by the hash that S3 keeps beside it."""
        found = call_unless_absent(lambda: self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED"))
        return bool(found) and found.get("ChecksumSHA256") == _checksum(key)


def _checksum(key: str) -> str:
    """The SHA-256 that a key begins with, as S3 and Lambda write it."""
    return base64.b64encode(bytes.fromhex(key.partition(".")[0])).decode()


def _serialize(template: dict[str, Any]) -> bytes:
    return json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
