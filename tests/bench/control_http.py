"""
The control for orders, first half: a bare FastAPI application that passes each order on by Nameko's stock client.

One process, as our gateway; a proxy per thread, since one serves a single call at a time. No
authentication, no idempotency, no deadline, no limits, no events.
"""

import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from nameko.standalone.rpc import ClusterRpcProxy
from pydantic import BaseModel

THREADS = 48
"""As the gateway's."""


class Wanted(BaseModel):
    offering_id: str
    quantity: int


class OrderToPlace(BaseModel):
    offerings: list[Wanted]
    payment_method: str
    notes: str = ""


own = threading.local()


def services() -> Any:
    if not hasattr(own, "services"):
        own.services = ClusterRpcProxy({"AMQP_URI": os.environ["BENCH_BROKER_URL"]}).start()
    return own.services


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def alive() -> dict[str, str]:
    return {"status": "alive"}


@app.post("/v1/orders", status_code=201)
def place_order(body: OrderToPlace) -> dict[str, Any]:
    placed: dict[str, Any] = services().bench_orders.place_order(body.model_dump())
    return placed


def main(arguments: Sequence[str]) -> int:
    uvicorn.run(app, host="127.0.0.1", port=int(arguments[0]), access_log=False, log_config=None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
