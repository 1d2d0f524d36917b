"""An address of PostgreSQL as pgjdbc reads it: each parameter of libpq by its other name.

What pgjdbc cannot be told is refused: an address that asks for verification must not lose it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from contracts.errors import Misconfigured
from stack import keystores
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
_JAVA_KEYS = (".p12", ".pfx", ".pk8", ".der")


def address(url: str, setting: str, **more: str) -> dict[str, str]:
    """``url``, ``username``, ``password`` for Flink's JDBC sink; ``more`` are pgjdbc's own.

    Raises ``Misconfigured`` with the name of ``setting`` for what pgjdbc has no form of.
    """
    given: dict[str, Any] = conninfo_to_dict(url)
    parameters = dict(more)
    for name, value in given.items():
        if name in _NAMES:
            parameters[_NAMES[name]] = str(value)
        elif name not in _ELSEWHERE | _HARMLESS:
            raise Misconfigured(
                f"{setting} has {name}, which Flink's JDBC driver cannot be told", setting=setting
            )
    if "targetServerType" in parameters:
        parameters["targetServerType"] = _SERVERS[parameters["targetServerType"]]
    if parameters.get("sslrootcert") == "system":
        del parameters["sslrootcert"]
        parameters["sslfactory"] = "org.postgresql.ssl.DefaultJavaSSLFactory"
    if "sslkey" in parameters:
        parameters |= _key(parameters["sslkey"], setting)
    servers = f"{_servers(given)}/{quote(str(given['dbname']), safe='')}"
    return {
        "url": f"jdbc:postgresql://{servers}?{urlencode(parameters, quote_via=quote)}",
        "username": str(given.get("user", "")),
        "password": str(given.get("password", "")),
    }


def _key(path: str, setting: str) -> dict[str, str]:
    """pgjdbc reads no private key in PEM: ``LMS_TLS_CLIENT_STORE`` holds the same one."""
    if path.endswith(_JAVA_KEYS):
        return {}
    store = TlsSettings().client_store
    if store is None:
        raise Misconfigured(
            f"{setting} has the client key {path}, which Flink's JDBC driver cannot read: set "
            "LMS_TLS_CLIENT_STORE to it as PKCS12",
            setting="LMS_TLS_CLIENT_STORE",
        )
    return {"sslkey": str(store), "sslpassword": keystores.password()}


def _servers(given: dict[str, Any]) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "127.0.0.1").split(",")
    ports = str(given.get("port") or 5432).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return ",".join(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        for host, port in zip(hosts, ports, strict=True)
    )
