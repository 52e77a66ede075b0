"""One kept connection a thread to an AWS service, for small requests and answers that are read whole."""

import http.client
import select
import socket
import ssl
import threading
import time
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

# A process that Lambda froze may find its connection dropped by the network without a sign.
MAX_IDLE_SECONDS = 30


class Answer(NamedTuple):
    """What a service answered; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connections:
    """The connections to one endpoint. Proxies are not supported."""

    def __init__(self, endpoint_url: str, connect_seconds: float, read_seconds: float, ca_file: str | None = None):
        address = urlsplit(endpoint_url)
        self.endpoint_url, self.host = endpoint_url, address.netloc
        self._name, self._port = address.hostname or "", address.port
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._context = ssl.create_default_context(cafile=ca_file) if address.scheme == "https" else None
        self._thread = threading.local()

    def post(self, head: bytes, body: bytes) -> Answer:
        """Send a request, `head` of which ends with the empty line, and return the answer.

        Raises botocore's exceptions: EndpointConnectionError, ConnectTimeoutError and SSLError where nothing was sent;
        ReadTimeoutError and ConnectionClosedError where the request may have been carried out.
        """
        connection, is_new = self._usable()
        try:
            return self._exchange(connection, head + body)
        except ConnectionClosedError:
            if is_new:
                raise
        # The service closed the kept connection at this moment; a new one says whether it is there.
        return self._exchange(self._usable()[0], head + body)

    def _exchange(self, connection: socket.socket, request: bytes) -> Answer:
        is_kept = False
        try:
            connection.sendall(request)
            with closing(http.client.HTTPResponse(connection, method="POST")) as response:
                response.begin()
                content = response.read()
            is_kept = not response.will_close
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self.endpoint_url, error=error) from error
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=self.endpoint_url, error=error) from error
        finally:
            if not is_kept:
                self.drop()  # What is left of the answer would otherwise be read as the next one.
        self._thread.used_at = time.time()
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def drop(self) -> None:
        """Close this thread's connection, if it has one."""
        connection = self._thread.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _usable(self) -> tuple[socket.socket, bool]:
        """This thread's connection, or a new one where that was idle for long or the service has closed it."""
        connection = getattr(self._thread, "connection", None)
        if connection is not None:
            # The wall clock goes on while a process is frozen. It may step back: then the connection counts as old.
            if 0 <= time.time() - self._thread.used_at <= MAX_IDLE_SECONDS and not _is_readable(connection):
                return connection, False
            self.drop()
        self._thread.connection = self._connect()
        self._thread.used_at = time.time()
        return self._thread.connection, True

    def _connect(self) -> socket.socket:
        default_port = 443 if self._context else 80
        try:
            connection = socket.create_connection((self._name, self._port or default_port), self._connect_seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self.endpoint_url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self.endpoint_url, error=error) from error
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_hostname=self._name)
        except TimeoutError as error:
            connection.close()
            raise ConnectTimeoutError(endpoint_url=self.endpoint_url, error=error) from error
        except OSError as error:
            connection.close()
            raise SSLError(endpoint_url=self.endpoint_url, error=error) from error
        connection.settimeout(self._read_seconds)
        return connection


def _is_readable(connection: socket.socket) -> bool:
    """Whether something arrived that nobody asked for: an end, an error, or an answer to an earlier request."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
