"""The lab service's HTTP API, as a function of its desk. ``/docs`` shows it, without any other server's help."""

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ValidationError

from tcplab import __version__
from tcplab.lab import models
from tcplab.lab.desk import Conflict, Desk
from tcplab.lab.drafts import UnknownLease, is_renewal, leased, patched, released, renewed, replaced
from tcplab.netem.changes import Clear, parse_lines
from tcplab.netem.configuration import Configuration
from tcplab.netem.snapshot import InvalidConfiguration, from_json
from tcplab.netem.traces import among
from tcplab.runtime.amqp.log import NotWritten
from tcplab.runtime.records import Record
from tcplab.units import SECOND, Duration, Instant

BODY_LIMIT: Final = 1 << 20  # octets
BY_LIMIT: Final = 64  # characters

By = Annotated[str, Header(alias="Lab-By", max_length=BY_LIMIT, description="Who asks; it stands in the history.")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The revision that must stand, as ETag gave it, for the change.")
]
_BODIES: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": "link client>server delay 100ms loss 1%\npartition client | server as split for 30s\n",
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/Change"}},
        },
    }
}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": models.Problem, "description": text}
    for code, text in {
        404: "there is no such lease or revision",
        412: "another revision stands",
        415: "neither lines of text nor JSON",
        422: "the change cannot be made; says which word is wrong, and changes nothing",
        503: "the broker does not answer",
    }.items()
}
_HEADERS: Final = {"Cache-Control": "no-store"}


class Unreadable(Exception):
    """A request whose body cannot be read, with the status that says so."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def make(desk: Desk) -> FastAPI:
    """Return the application that serves a desk."""
    app = FastAPIOffline(
        redoc_url=None,
        title="tcplab",
        version=__version__,
        description="Sets what the network between the hosts does while the lab runs. See docs/control.md.",
    )
    for routes in (_network(desk), _leases(desk), _history(desk)):
        app.include_router(routes, responses=_PROBLEMS)
    for error, status in _STATUSES.items():
        app.add_exception_handler(error, _handler(status))
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(Conflict, _conflict)
    for invalid in (RequestValidationError, ValidationError):
        app.add_exception_handler(invalid, _invalid)

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return RedirectResponse("/docs")

    return app


# --- the network -----------------------------------------------------------------------------------------------------


def _network(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["network"])

    @routes.get("/network", response_model=models.Standing)
    async def read(request: Request) -> Response:
        """What stands on top of the network's base; as lines of text where ``Accept`` asks for ``text/plain``."""
        return _answer(desk, desk.record, text=request.headers.get("accept", "").startswith("text/plain"))

    @routes.put("/network", response_model=models.Standing, openapi_extra=_BODIES)
    async def replace(request: Request, by: By = "", match: IfMatch = None) -> Response:
        """Let nothing stand but this: lines of text, or JSON as GET gives it under ``configuration``."""
        body, is_json = await _body(request)
        if is_json:
            given = from_json(_parsed(body))
            record = await desk.change(replaced(lambda _: given, by), _expected(match))
        else:
            said = parse_lines(body, among(desk.record.configuration.traces()))

            def wanted(now: Instant) -> Configuration:
                return Configuration().changed(said, now)

            record = await desk.change(replaced(wanted, by), _expected(match))
        return _answer(desk, record)

    @routes.patch("/network", response_model=models.Standing, openapi_extra=_BODIES)
    async def change(
        request: Request,
        by: By = "",
        match: IfMatch = None,
        lease: Annotated[str | None, Query(description="The lease with which all that is set ends.")] = None,
    ) -> Response:
        """Make changes one after the other, all of them or none: lines of text, or JSON."""
        body, is_json = await _body(request)
        stands = desk.record.configuration.traces()
        said = models.Change.model_validate(_parsed(body)).said(stands) if is_json else parse_lines(body, among(stands))
        record = await desk.change(patched(said, by, lease), _expected(match))
        return _answer(desk, record)

    @routes.delete("/network", response_model=models.Standing)
    async def clear(by: By = "", match: IfMatch = None) -> Response:
        """Let nothing stand on top of the base any more."""
        return _answer(desk, await desk.change(patched((Clear(),), by), _expected(match)))

    @routes.get("/status")
    async def status() -> models.Status:
        """What each shard of the network does: the revision that it goes by, its links and faults, what they did."""
        return models.status(desk.record, await desk.status(), desk.clock)

    return routes


# --- leases ----------------------------------------------------------------------------------------------------------


def _leases(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["leases"])

    def view(record: Record, name: str) -> models.LeaseView:
        return models.lease(name, record.leases[name], desk.clock)

    @routes.get("/leases")
    async def read() -> list[models.LeaseView]:
        """The leases that stand."""
        return models.leases(desk.record.leases, desk.clock)

    @routes.post("/leases", status_code=201)
    async def begin(wanted: models.LeaseRequest, by: By = "") -> models.LeaseView:
        """Begin a lease. What is set with it ends when nobody renews it: the network itself ends it."""
        name = f"lease-{secrets.token_hex(4)}"
        ttl = Duration(round(wanted.ttl * desk.clock.scale * SECOND))
        return view(await desk.change(leased(name, ttl, by)), name)

    @routes.put("/leases/{name}")
    async def renew(name: str, by: By = "") -> models.LeaseView:
        """Renew a lease: it lasts ``ttl`` from now. A heartbeat; send several within each ttl."""
        return view(await desk.change(renewed(name, by)), name)

    @routes.delete("/leases/{name}", status_code=204)
    async def release(name: str, by: By = "") -> None:
        """End a lease, and all that was set with it."""
        await desk.change(released(name, by))

    return routes


# --- history ---------------------------------------------------------------------------------------------------------


def _history(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["history"])

    @routes.get("/history")
    async def read(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        renewals: Annotated[bool, Query(description="Whether to tell of heartbeats, too.")] = False,
    ) -> list[models.Revision]:
        """What was changed, by whom and when; the last first."""
        told = [record for record in desk.history() if renewals or not is_renewal(record)]
        return [models.revision(record, desk.clock) for record in told[:limit]]

    @routes.get("/history/{revision}")
    async def one(revision: int) -> models.Standing:
        """What stood at a revision."""
        record = models.find(desk, revision)
        if record is None:
            raise Unreadable(404, f"revision {revision} is not remembered; GET /history lists those that are")
        return models.standing(record, desk.clock)

    @routes.get("/events", response_class=StreamingResponse)
    async def events(
        since: Annotated[int | None, Query(ge=0, description="Begin with what came after this revision.")] = None,
    ) -> StreamingResponse:
        """Every change as it is made, as server-sent events; it begins with what stands."""

        async def told() -> AsyncIterator[str]:
            async for record in desk.listen(since):
                shown = models.standing(record, desk.clock).model_dump()
                yield f"id: {record.revision}\ndata: {json.dumps(shown)}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream", headers=_HEADERS)

    return routes


# --- what goes in and out --------------------------------------------------------------------------------------------


def _answer(desk: Desk, record: Record, *, text: bool = False) -> Response:
    headers = {"ETag": f'"{record.revision}"', **_HEADERS}
    if text:
        return PlainTextResponse(str(record.configuration), headers=headers)
    return JSONResponse(models.standing(record, desk.clock).model_dump(), headers=headers)


async def _body(request: Request) -> tuple[str, bool]:
    """Return the body of a request, and whether it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/plain", "application/json"):
        raise Unreadable(415, "the content type must be text/plain, for lines of text, or application/json")
    octets = bytearray()
    async for chunk in request.stream():
        octets += chunk
        if len(octets) > BODY_LIMIT:
            raise Unreadable(413, f"the body has more than {BODY_LIMIT} octets")
    try:
        return octets.decode(), kind == "application/json"
    except UnicodeDecodeError:
        raise Unreadable(422, "the body is no UTF-8") from None


def _parsed(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(422, f"the body is no JSON: {error}") from None


def _expected(match: str | None) -> int | None:
    if match is None or match.strip() == "*":
        return None
    bare = match.strip().removeprefix("W/").strip('"')
    if not (bare.isascii() and bare.isdecimal()):
        raise Unreadable(412, f"If-Match must be a revision, as in ETag; it is {match[:80]!r}")
    return int(bare)


_Handler = Callable[[Request, Exception], Awaitable[Response]]
_STATUSES: Final[dict[type[Exception], int]] = {
    ValueError: 422,
    UnknownLease: 404,
    InvalidConfiguration: 422,
    NotWritten: 503,
}


def _handler(status: int) -> _Handler:
    async def handle(_: Request, error: Exception) -> Response:
        return JSONResponse(models.problem(error), status, headers=_HEADERS)

    return handle


async def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unreadable)
    return _refuse(error.status, models.Problem(error=str(error)))


async def _conflict(_: Request, error: Exception) -> Response:
    assert isinstance(error, Conflict)
    return _refuse(412, models.Problem(error=str(error), revision=error.found))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)
    places = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return _refuse(422, models.Problem(error="; ".join(places)))


def _refuse(status: int, found: BaseModel) -> Response:
    return JSONResponse(found.model_dump(), status, headers=_HEADERS)
