"""A push service with one browser behind it: decrypts each message and writes it down as a line.

``python push_process.py PORT FILE PRIVATE_KEY AUTH``; ``/gone`` has lost its browser, ``/busy`` has
too much to do.
"""

from __future__ import annotations

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


FILE = Path(sys.argv[2])
KEY = ec.derive_private_key(int.from_bytes(unpadded(sys.argv[3]), "big"), ec.SECP256R1())
AUTH = unpadded(sys.argv[4])


class Service(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = {"/gone": 410, "/busy": 503}.get(self.path, 201)
        if status == 201:
            clear = http_ece.decrypt(body, private_key=KEY, auth_secret=AUTH, version="aes128gcm")
            headers = {name.lower(): value for name, value in self.headers.items()}
            line = json.dumps({"payload": json.loads(clear), "headers": headers})
            with FILE.open("a") as file:
                file.write(line + "\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
