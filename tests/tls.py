"""TLS for servers that have none: certificates of the test's own, and a proxy in front that speaks TLS and plainly."""

from __future__ import annotations

import asyncio
import datetime
import secrets
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_CLIENT_HELLO = b'\x16'
"""The first byte of a TLS connection; no command of Redis begins with it."""


def authority(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make an authority and its certificate for 127.0.0.1; return the authority's file and a server's context."""
    directory.mkdir(parents=True)
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(secrets.token_hex(8))
    root = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    own = ec.generate_private_key(ec.SECP256R1())
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address('127.0.0.1'))])
    leaf = _builder(_name('redis'), name, own).add_extension(address, critical=False)
    trusted, chain = directory / 'ca.pem', directory / 'server.pem'
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    trusted.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(pem))
    private = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    chain.write_bytes(private + leaf.sign(key, hashes.SHA256()).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return trusted, context


@asynccontextmanager
async def tls_proxy(upstream_port: int, context: ssl.SSLContext, *, port: int = 0) -> AsyncGenerator[int]:
    """Yield a port of loopback that takes TLS and plain connections for the server at `upstream_port`."""
    listener = socket.create_server(('127.0.0.1', port))
    listener.setblocking(False)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_accept, listener, upstream_port, context, tasks)
        try:
            yield listener.getsockname()[1]
        finally:
            tasks.cancel_scope.cancel()
            listener.close()


async def _accept(listener: socket.socket, upstream_port: int, context: ssl.SSLContext, tasks: TaskGroup) -> None:
    while True:
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        tasks.start_soon(_serve, accepted, upstream_port, context)


async def _serve(accepted: socket.socket, upstream_port: int, context: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError, ssl.SSLError):
        await anyio.wait_readable(accepted)
        secure = accepted.recv(1, socket.MSG_PEEK) == _CLIENT_HELLO
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=context if secure else None)
        near = asyncio.StreamWriter(transport, protocol, reader, loop)
        far_reader, far = await asyncio.open_connection('127.0.0.1', upstream_port)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_forward, reader, far, tasks)
                tasks.start_soon(_forward, far_reader, near, tasks)
        finally:
            near.transport.abort()
            far.close()


async def _forward(source: asyncio.StreamReader, target: asyncio.StreamWriter, both: TaskGroup) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    both.cancel_scope.cancel()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
