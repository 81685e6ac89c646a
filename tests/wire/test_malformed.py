# SPDX-License-Identifier: MIT
"""Strict refusals (RFC 9110, RFC 9112): one table of raw requests and what they must get.

Each is followed in the same segment by a well-formed request, which must never be answered:
after a refusal the connection is closed. Where two codes are right, both stand in the table.
"""

import json

import pytest

NEXT = b"GET / HTTP/1.1\r\nHost: next\r\n\r\n"


def get(*fields, line=b"GET / HTTP/1.1", host=b"Host: a"):
    """A request out of a request line and fields, CRLF after each."""
    lines = [line] + ([host] if host is not None else []) + list(fields)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(*fields, body=b""):
    """A POST with its body."""
    return get(*fields, line=b"POST / HTTP/1.1") + body


def chunked(body):
    """A POST with Transfer-Encoding: chunked and that body, as it stands."""
    return post(b"Transfer-Encoding: chunked", body=body)


def length(value):
    """A POST with that Content-Length and a five-byte body."""
    return post(b"Content-Length: " + value, body=b"hello")


BAD = {400}
TABLE = {
    # Framing: RFC 9112 section 6.3
    "two equal lengths": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), BAD),
    "two lengths": (post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"), BAD),
    "list of lengths": (length(b"5, 5"), BAD),
    "list of different lengths": (length(b"5,6"), BAD),
    "length and chunked": (post(b"Content-Length: 5", b"Transfer-Encoding: chunked",
                                body=b"0\r\n\r\n"), BAD),
    "chunked and length": (post(b"Transfer-Encoding: chunked", b"Content-Length: 5",
                                body=b"0\r\n\r\n"), BAD),
    "length with plus": (length(b"+5"), BAD),
    "length with minus": (length(b"-5"), BAD),
    "length minus zero": (length(b"-0"), BAD),
    "length in hex": (length(b"0x5"), BAD),
    "length with a point": (length(b"5.0"), BAD),
    "length with exponent": (length(b"5e0"), BAD),
    "length with a space inside": (length(b"5 5"), BAD),
    "length empty": (length(b""), BAD),
    "length of letters": (length(b"five"), BAD),
    "length of 2^64": (length(b"18446744073709551616"), {400, 413}),
    "length of 2^64 + 5": (length(b"18446744073709551621"), {400, 413}),
    "length of 2^32 + 5": (length(b"4294967301"), {400, 413}),
    "length of 2^63": (length(b"9223372036854775808"), {400, 413}),
    "length with forty digits": (length(b"1" * 40), {400, 413}),
    "length in Arabic digits": (length(b"\xd9\xa5"), BAD),
    "GET with two lengths": (get(b"Content-Length: 0", b"Content-Length: 0"), BAD),
    "coding twice in a list": (post(b"Transfer-Encoding: chunked, chunked",
                                    body=b"0\r\n\r\n"), BAD),
    "coding in two fields": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked",
                                  body=b"0\r\n\r\n"), BAD),
    "chunked not last": (post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
                         {400, 501}),
    "unknown coding first": (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
                             {400, 501}),
    "identity": (post(b"Transfer-Encoding: identity", body=b"hello"), {400, 501}),
    "unknown coding": (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), {400, 501}),
    "coding empty": (post(b"Transfer-Encoding:", body=b"0\r\n\r\n"), {400, 501}),
    "coding with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
                                   BAD),
    "coding with a parameter": (post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
                                {400, 501}),
    "coding in quotes": (post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), {400, 501}),
    "coding with a comma": (post(b"Transfer-Encoding: ,chunked,,", body=b"0\r\n\r\n"),
                            {400, 501}),
    "coding in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"0\r\n\r\n", BAD),
    # Chunks: RFC 9112 section 7.1
    "chunk size of letters": (chunked(b"zz\r\n\r\n0\r\n\r\n"), BAD),
    "chunk size empty": (chunked(b"\r\n\r\n0\r\n\r\n"), BAD),
    "chunk size with plus": (chunked(b"+5\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size with minus": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size with 0x": (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size after space": (chunked(b" 5\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size overflows": (chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    "chunk size overflows 32 bits": (chunked(b"100000005\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    "chunk size with underscore": (chunked(b"1_0\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size line with LF": (chunked(b"5\nhello\r\n0\r\n\r\n"), BAD),
    "chunk size line with CR": (chunked(b"5\rhello\r\n0\r\n\r\n"), BAD),
    "chunk too long": (chunked(b"5\r\nhellox\r\n0\r\n\r\n"), BAD),
    "chunk ends with LF": (chunked(b"5\r\nhello\n0\r\n\r\n"), BAD),
    "chunk extension with LF": (chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk extension with CR": (chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n"), BAD),
    "chunk extension with NUL": (chunked(b"5;a\x00b\r\nhello\r\n0\r\n\r\n"), BAD),
    "trailer without colon": (chunked(b"0\r\nnonsense\r\n\r\n"), BAD),
    "trailer with LF": (chunked(b"0\r\nA: b\n\r\n"), BAD),
    "trailer folded": (chunked(b"0\r\nA: b\r\n c\r\n\r\n"), BAD),
    "trailer with space before colon": (chunked(b"0\r\nA : b\r\n\r\n"), BAD),
    # Lines and fields: RFC 9112 sections 2.2, 5
    "LF ends the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", BAD),
    "LF ends a field": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", BAD),
    "LF ends the head": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", BAD),
    "only LF": (b"GET / HTTP/1.1\nHost: a\n\n", BAD),
    "CR in a value": (get(b"X: a\rb"), BAD),
    "CR CR LF": (get(b"X: a\r"), BAD),
    "CR in a name": (get(b"X\rY: a"), BAD),
    "CR in the request line": (get(line=b"GET /\r HTTP/1.1"), BAD),
    "NUL in a value": (get(b"X: a\x00b"), BAD),
    "NUL in a name": (get(b"X\x00: a"), BAD),
    "NUL in the target": (get(line=b"GET /\x00 HTTP/1.1"), BAD),
    "NUL in the method": (get(line=b"G\x00ET / HTTP/1.1"), BAD),
    "control character in a value": (get(b"X: a\x01b"), BAD),
    "DEL in a value": (get(b"X: a\x7fb"), BAD),
    "obs-fold with space": (get(b"X: a", b" b"), BAD),
    "obs-fold with tab": (get(b"X: a", b"\tb"), BAD),
    "folded length": (post(b"Content-Length:", b" 5", body=b"hello"), BAD),
    "space before the first field": (get(host=b" Host: a"), BAD),
    "space before colon": (get(b"X : a"), BAD),
    "tab before colon": (get(b"X\t: a"), BAD),
    "space before the length's colon": (post(b"Content-Length : 5", body=b"hello"), BAD),
    "space in a name": (get(b"X Y: a"), BAD),
    "name empty": (get(b": a"), BAD),
    "no colon": (get(b"nonsense"), BAD),
    "name in quotes": (get(b'"X": a'), BAD),
    "name not ASCII": (get(b"X\xc3\xa9: a"), BAD),
    # Request line: RFC 9112 section 3
    "two spaces": (get(line=b"GET  / HTTP/1.1"), BAD),
    "space at the start": (get(line=b" GET / HTTP/1.1"), BAD),
    "space at the end": (get(line=b"GET / HTTP/1.1 "), BAD),
    "tab between": (get(line=b"GET\t/ HTTP/1.1"), BAD),
    "no version": (get(line=b"GET /"), BAD),
    "no target": (get(line=b"GET HTTP/1.1"), BAD),
    "target empty": (get(line=b"GET  HTTP/1.1"), BAD),
    "space in the target": (get(line=b"GET /a b HTTP/1.1"), BAD),
    "version in small letters": (get(line=b"GET / http/1.1"), BAD),
    "version without minor": (get(line=b"GET / HTTP/1"), BAD),
    "version with two digits": (get(line=b"GET / HTTP/1.10"), BAD),
    "version with leading zero": (get(line=b"GET / HTTP/01.1"), BAD),
    "version of letters": (get(line=b"GET / HTTP/x.y"), BAD),
    "another protocol": (get(line=b"GET / ICY/1.1"), BAD),
    "version 2.0": (get(line=b"GET / HTTP/2.0"), {505}),
    "version 3.0": (get(line=b"GET / HTTP/3.0"), {505}),
    "version 0.9": (get(line=b"GET / HTTP/0.9"), {400, 505}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", BAD),
    "method with at": (get(line=b"G@T / HTTP/1.1"), BAD),
    "method empty": (get(line=b" / HTTP/1.1"), BAD),
    "method unknown": (get(line=b"BREW / HTTP/1.1"), {501}),
    "method in small letters": (get(line=b"get / HTTP/1.1"), {501}),
    "method very long": (get(line=b"A" * 400 + b" / HTTP/1.1"), {400, 501}),
    "relative target": (get(line=b"GET index.html HTTP/1.1"), BAD),
    "fragment": (get(line=b"GET /#a HTTP/1.1"), BAD),
    "asterisk with GET": (get(line=b"GET * HTTP/1.1"), BAD),
    "authority form": (get(line=b"CONNECT a:443 HTTP/1.1"), {400, 405, 501}),
    "percent at the end": (get(line=b"GET /% HTTP/1.1"), BAD),
    "percent with letters": (get(line=b"GET /%zz HTTP/1.1"), BAD),
    "percent with one digit": (get(line=b"GET /%2 HTTP/1.1"), BAD),
    "encoded NUL": (get(line=b"GET /%00 HTTP/1.1"), {400, 404}),
    "target not ASCII": (get(line=b"GET /\xc3\xa9 HTTP/1.1"), BAD),
    "quote in the target": (get(line=b'GET /" HTTP/1.1'), BAD),
    "backslash in the target": (get(line=b"GET /\\ HTTP/1.1"), BAD),
    "scheme unknown": (get(line=b"GET ftp://a/ HTTP/1.1"), {400, 404, 421}),
    "absolute without host": (get(line=b"GET http:/// HTTP/1.1"), BAD),
    # Host: RFC 9112 section 3.2
    "no Host": (get(host=None), BAD),
    "two Hosts": (get(b"Host: a"), BAD),
    "two different Hosts": (get(b"Host: b"), BAD),
    "Host with a space": (get(host=b"Host: a b"), BAD),
    "Host with a slash": (get(host=b"Host: a/b"), BAD),
    "Host with a user": (get(host=b"Host: u@a"), BAD),
    "Host with a list": (get(host=b"Host: a, b"), BAD),
    "Host with port of letters": (get(host=b"Host: a:b"), BAD),
    "Host with two ports": (get(host=b"Host: a:1:2"), BAD),
    "Host with port too high": (get(host=b"Host: a:65536"), BAD),
    "Host with open bracket": (get(host=b"Host: [::1"), BAD),
    "Host with bracket and letters": (get(host=b"Host: [::1]a"), BAD),
    "Host with a query": (get(host=b"Host: a?b"), BAD),
    "no Host with absolute form": (get(line=b"GET http://a/ HTTP/1.1", host=None), BAD),
    # Others
    "Expect unknown": (post(b"Content-Length: 5", b"Expect: the-moon", body=b"hello"), {417}),
    "POST without length": (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", {405, 411}),
    "body too large": (post(b"Content-Length: 104857600"), {413}),
    "target too long": (get(line=b"GET /" + b"a" * 6000 + b" HTTP/1.1"), {414}),
    "field too large": (get(b"X: " + b"a" * 20000), {431}),
    "too many fields": (get(*[b"X%d: a" % n for n in range(400)]), {431}),
    "name too large": (get(b"X" * 20000 + b": a"), {431}),
}
# Refusals of well-framed requests need not close.
KEPT_OPEN = {"POST without length", "method unknown", "method in small letters", "method very long",
             "authority form"}


@pytest.mark.parametrize("name", TABLE)
def test_refused(site, name):
    """The refusal, its JSON body, the end of the connection, and no answer to what follows."""
    raw, wanted = TABLE[name]
    with site.client() as client:
        client.send(raw + NEXT)
        answer = client.answer()
        assert answer.status in wanted, answer
        assert answer.header("Content-Type") == "application/json"
        error = json.loads(answer.body)
        assert set(error) == {"error"} and error["error"], error
        if name in KEPT_OPEN and answer.header("Connection") != "close":
            assert client.answer().status == 200
            return
        assert answer.header("Connection") == "close", answer
        client.closed()


@pytest.mark.parametrize("name", ["length and chunked", "NUL in a value", "no Host",
                                  "LF ends a field", "obs-fold with space", "version 2.0",
                                  "chunk too long", "two lengths"])
def test_refused_byte_by_byte(site, name):
    """The same when each byte comes in a segment of its own."""
    raw, wanted = TABLE[name]
    with site.client() as client:
        for n in range(len(raw)):
            try:
                client.send(raw[n:n + 1])
            except (BrokenPipeError, ConnectionResetError):
                break
        answer = client.answer()
        assert answer.status in wanted, answer
        client.closed()


@pytest.mark.parametrize("name", ["length and chunked", "two Hosts", "space before colon"])
def test_refused_behind_good_ones(site, name):
    """Requests before the bad one in the same segment are answered, in order."""
    raw, wanted = TABLE[name]
    with site.client() as client:
        client.send(NEXT * 3 + raw + NEXT * 3)
        for _ in range(3):
            assert client.answer().status == 200
        assert client.answer().status in wanted
        client.closed()
