"""Multipart bodies with their parts in the order sent: AssemblyAI requires its config before the audio."""

from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request


class FormError(Exception):
    """The body is not a valid multipart form."""


class BodyTooLargeError(Exception):
    """The body is larger than the service accepts."""


@dataclass
class Part:
    """One field of a form; `filename` is None for a plain field."""

    name: str
    filename: str | None
    content_type: str
    body: bytearray

    def text(self) -> str:
        """The body as text. Raises FormError if it is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise FormError(f"{self.name} is not UTF-8") from None


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body of a request. Raises BodyTooLargeError.

    A body that is too large is read to its end too: a client that is still sending may miss the response.
    """
    body, size_bytes = bytearray(), 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes <= max_bytes:
            body += chunk
    if size_bytes > max_bytes:
        raise BodyTooLargeError(f"{size_bytes} bytes exceed the limit of {max_bytes} bytes")
    return bytes(body)


def parse_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts of a `multipart/form-data` body, in their order. Raises FormError."""
    media_type, options = parse_options_header(content_type)
    if media_type != b"multipart/form-data" or b"boundary" not in options:
        raise FormError("the body must be multipart/form-data with a boundary")
    reader = _PartCollector()
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
        raise FormError("the body is not valid multipart/form-data") from error
    if not reader.complete:
        raise FormError("the form ends before its closing boundary")
    return reader.parts


class _PartCollector:
    """Collects parts from the parser's callbacks."""

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
            raise FormError("a part of the form has no name")
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
