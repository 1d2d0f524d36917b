"""Cloud key management services that can protect our keysets, through Tink's clients for them."""

from __future__ import annotations

from collections.abc import Callable

import tink
from pydantic_settings import BaseSettings, SettingsConfigDict
from tink.aead import Aead

from contracts.errors import Misconfigured

SETTING = "LMS_PRIVACY_KMS_URI"


class KmsSettings(BaseSettings):
    """``LMS_PRIVACY_KMS_URI``: where the key that protects all other keys is."""

    model_config = SettingsConfigDict(env_prefix="LMS_PRIVACY_", frozen=True)

    kms_uri: str | None = None
    """A key of a cloud KMS that protects the keysets, such as ``aws-kms://arn:aws:kms:…``.

    Without it the keysets are protected by nothing but the mode of their files.
    """


def _aws(uri: str) -> tink.KmsClient:
    import boto3  # credentials and address as boto3 finds them: AWS_*, profiles, instance roles
    from tink.integration import awskms

    region = uri.split(":")[4]
    return awskms.new_client(boto3_client=boto3.client("kms", region_name=region), key_uri=uri)


def _gcp(uri: str) -> tink.KmsClient:
    from tink.integration import gcpkms

    return gcpkms.GcpKmsClient(uri, None)


_CLIENTS: dict[str, Callable[[str], tink.KmsClient]] = {"aws-kms": _aws, "gcp-kms": _gcp}


def kms_aead(uri: str) -> Aead:
    """The KMS key as an AEAD; every use of it is a call over the network.

    Raises ``Misconfigured`` where the address names no service we have a client for.
    """
    try:
        return tink.kms_client_from_uri(uri).get_aead(uri)
    except tink.TinkError:
        pass  # nobody has registered a client of their own; take ours
    scheme = uri.partition("://")[0]
    make = _CLIENTS.get(scheme)
    if make is None:
        known = ", ".join(f"{name}://" for name in _CLIENTS)
        raise Misconfigured(
            f"{SETTING}: there is no client for {scheme}://; take one of {known}, or register "
            "another with tink.register_kms_client",
            setting=SETTING,
        )
    try:
        client = make(uri)
        tink.register_kms_client(client)
        return client.get_aead(uri)
    except ImportError as error:
        raise Misconfigured(
            f"{SETTING}: the client for {scheme}:// is not installed: {error}", setting=SETTING
        ) from error
    except Exception as error:  # each cloud's client fails in its own way
        raise Misconfigured(
            f"{SETTING}: {scheme}:// cannot be used: {type(error).__name__}: {error}",
            setting=SETTING,
        ) from error
