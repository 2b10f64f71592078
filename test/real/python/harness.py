"""Cases with a name each: a case passes whole or fails with what was wrong, and never stops the others."""

from __future__ import annotations

import itertools
import os
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

import lakefs
import lakefs_sdk
from lakefs.client import Client
from lakefs_sdk.client import LakeFSClient

WORKERS = 8
_names = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """A running server and its first administrator."""

    host: str
    access_key_id: str
    secret_access_key: str

    def client(self, access_key_id: str | None = None, secret_access_key: str | None = None) -> Client:
        """A client of the server: the administrator's, or that of another key."""
        return Client(
            host=self.host,
            username=access_key_id or self.access_key_id,
            password=secret_access_key or self.secret_access_key,
        )


@dataclass(frozen=True)
class Place:
    """One storage of a server, where a case makes what it needs."""

    server: Server
    id: str
    type: str
    namespace: str
    # What physical addresses of this storage begin with.
    addresses: str
    presigns: bool
    # Every storage of this server presigns, so the client does it unasked.
    presigns_unasked: bool
    client: Client = field(repr=False)

    @property
    def sdk(self) -> LakeFSClient:
        return self.client.sdk_client

    def is_own(self, address: str, repository: str) -> bool:
        """Whether a physical address is where objects of a repository lie."""
        return address.startswith(self.addresses) and f"/{repository}/data/" in address

    def fresh(self, stem: str) -> str:
        """A name for a repository that nobody has."""
        return f"{stem}-{self.id}-{next(_names)}"

    def repository(self, stem: str, **options: Any) -> lakefs.Repository:
        """A new repository on this storage, made by the client's own verb."""
        name = self.fresh(stem)
        return lakefs.Repository(name, client=self.client).create(
            storage_namespace=f"{self.namespace}/{name}", storage_id=self.id, **options
        )

    def frozen(self, stem: str) -> lakefs.Repository:
        """A new read-only repository; only the lower package has the flag."""
        name = self.fresh(stem)
        self.sdk.repositories_api.create_repository(
            lakefs_sdk.RepositoryCreation(
                name=name, storage_id=self.id, storage_namespace=f"{self.namespace}/{name}", read_only=True
            )
        )
        return lakefs.Repository(name, client=self.client)


@dataclass(frozen=True)
class Case:
    title: str
    run: Callable[[Place], None]
    # Knows no storage: once a server is enough.
    once: bool


CASES: list[Case] = []


def case(title: str, once: bool = False) -> Callable[[Callable[[Place], None]], Callable[[Place], None]]:
    """Registers a function as a case."""

    def register(run: Callable[[Place], None]) -> Callable[[Place], None]:
        CASES.append(Case(title, run, once))
        return run

    return register


class Wrong(Exception):
    """What a case found."""


def equal(actual: Any, expected: Any, what: str = "") -> None:
    if actual != expected:
        raise Wrong(f"{what or 'value'}: got {brief(actual)}, expected {brief(expected)}")


def holds(condition: Any, what: str) -> None:
    if not condition:
        raise Wrong(what)


@contextmanager
def raises(kind: type[BaseException], text: str = "", status: int | None = None) -> Iterator[None]:
    """What is inside must raise `kind` itself, no subclass, with `text` in it (the server's message included)."""
    try:
        yield
    except Exception as error:
        if type(error) is not kind:
            raise Wrong(f"raised {type(error).__name__} ({brief(str(error))}), expected {kind.__name__}") from error
        said = f"{error} {getattr(error, 'body', '')}"
        if text not in said:
            raise Wrong(f"{kind.__name__} says {brief(said)}, expected {text!r} in it") from error
        got = getattr(error, "status_code", getattr(error, "status", None))
        if status is not None and got != status:
            raise Wrong(f"{kind.__name__} has status {got}, expected {status}") from error
        return
    raise Wrong(f"raised nothing, expected {kind.__name__} {text!r}")


def brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"


def run_case(title: str, run: Callable[[], None]) -> bool:
    try:
        run()
    except Exception as error:
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if "/topics/" in frame.filename]
        lines = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(where))
        print(f"FAILED {title}: {type(error).__name__}: {error} ({lines})")
        return False
    print(f"ok {title}")
    return True
