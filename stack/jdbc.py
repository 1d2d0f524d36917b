"""An address of PostgreSQL as pgjdbc reads it: each parameter of libpq by its other name.

What pgjdbc has no setting for is refused: an address that asks for verification must keep it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from contracts.errors import Misconfigured
from stack.tls import TlsSettings

_NAMES = {
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslpassword": "sslpassword",
    "sslnegotiation": "sslNegotiation",
    "channel_binding": "channelBinding",
    "gssencmode": "gssEncMode",
    "krbsrvname": "kerberosServerName",
    "target_session_attrs": "targetServerType",
    "connect_timeout": "connectTimeout",
    "application_name": "ApplicationName",
    "options": "options",
}
_SERVERS = {
    "any": "any",
    "read-write": "primary",
    "primary": "primary",
    "read-only": "secondary",
    "standby": "secondary",
    "prefer-standby": "preferSecondary",
}
_ELSEWHERE = {"host", "hostaddr", "port", "dbname", "user", "password"}
_HARMLESS = {
    "fallback_application_name",
    "client_encoding",  # pgjdbc's is always UTF8
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    # The JVM's own limit (jdk.tls.client.protocols); our server refuses less in any case.
    "ssl_min_protocol_version",
}
_JAVA_KEYS = (".pk8", ".der", ".p12", ".pfx")


def address(url: str, setting: str, **more: str) -> str:
    """``jdbc:postgresql://…`` without user and password; ``more`` are parameters of pgjdbc.

    Raises ``Misconfigured`` with the name of ``setting`` for what pgjdbc has no form of.
    """
    given: dict[str, Any] = conninfo_to_dict(url)
    parameters = dict(more)
    for name, value in given.items():
        if name in _NAMES:
            parameters[_NAMES[name]] = str(value)
        elif name not in _ELSEWHERE | _HARMLESS:
            raise Misconfigured(
                f"{setting} has {name}, which Flink's JDBC driver has no setting for",
                setting=setting,
            )
    if "targetServerType" in parameters:
        parameters["targetServerType"] = _SERVERS[parameters["targetServerType"]]
    if parameters.get("sslrootcert") == "system":
        del parameters["sslrootcert"]
        parameters["sslfactory"] = "org.postgresql.ssl.DefaultJavaSSLFactory"
    if "sslkey" in parameters:
        parameters |= _key(parameters["sslkey"], setting)
    place = f"{_servers(given)}/{quote(str(given['dbname']), safe='')}"
    return f"jdbc:postgresql://{place}?{urlencode(parameters, quote_via=quote)}"


def _key(path: str, setting: str) -> dict[str, str]:
    """pgjdbc reads no private key in PEM."""
    if path.endswith(_JAVA_KEYS):
        return {}
    client = TlsSettings().client
    if client is None or path != str(client):
        raise Misconfigured(
            f"{setting} has sslkey={path}, which Flink's JDBC driver cannot read: name a key in "
            "DER (.pk8), or set LMS_TLS_CLIENT instead",
            setting=setting,
        )
    return {"sslcert": str(client.with_suffix(".crt")), "sslkey": str(client.with_suffix(".pk8"))}


def _servers(given: dict[str, Any]) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "127.0.0.1").split(",")
    ports = str(given.get("port") or 5432).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return ",".join(
        f"[{host}]:{port or 5432}" if ":" in host else f"{host}:{port or 5432}"
        for host, port in zip(hosts, ports, strict=True)
    )
