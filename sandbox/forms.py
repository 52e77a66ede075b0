"""Multipart bodies, kept in the order they were sent: AssemblyAI wants its config before the audio."""

from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request


class FormError(Exception):
    """The body is no multipart form."""


class BodyTooLargeError(Exception):
    """The body is larger than the service takes."""


@dataclass
class Part:
    """One field of a form; `filename` is None for a plain one."""

    name: str
    filename: str | None
    content_type: str
    body: bytearray

    def text(self) -> str:
        """Raises FormError if the part is no UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise FormError(f"{self.name} is not UTF-8") from None


async def whole_body(request: Request, max_bytes: int) -> bytes:
    """The body, read to its end even when too large, for a client that still sends may not hear the answer.

    Raises BodyTooLargeError.
    """
    body, size_bytes = bytearray(), 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes <= max_bytes:
            body += chunk
    if size_bytes > max_bytes:
        raise BodyTooLargeError(f"{size_bytes} bytes, at most {max_bytes} are taken")
    return bytes(body)


def parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a `multipart/form-data` body, in its order. Raises FormError."""
    media_type, options = parse_options_header(content_type)
    if media_type != b"multipart/form-data" or b"boundary" not in options:
        raise FormError("the body must be multipart/form-data with a boundary")
    reader = _Reader()
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": reader.begin,
            "on_header_field": reader.header_name,
            "on_header_value": reader.header_value,
            "on_header_end": reader.header_end,
            "on_headers_finished": reader.headers_finished,
            "on_part_data": reader.data,
            "on_end": reader.end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise FormError("the body is not the multipart form it claims to be") from error
    if not reader.complete:
        raise FormError("the form ends before its closing boundary")
    return reader.parts


class _Reader:
    """Gathers parts from the parser's callbacks."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""

    def begin(self) -> None:
        self._headers = {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise FormError("a part has no name")
        filename = options.get(b"filename")
        self.parts.append(
            Part(
                name=options[b"name"].decode(errors="replace"),
                filename=None if filename is None else filename.decode(errors="replace"),
                content_type=self._headers.get(b"content-type", b"text/plain").decode("latin-1"),
                body=bytearray(),
            )
        )

    def data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].body += data[start:end]

    def end(self) -> None:
        self.complete = True
