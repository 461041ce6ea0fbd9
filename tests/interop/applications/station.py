"""A charging station: Python's `ocpp` over `websockets`, with a TLS_RSA suite.

    station.py URL CA CERT KEY ACTION..

CERT and KEY may be "-" for a station without a certificate. Prints a line for each action that has
an outcome. `ocpp` takes a while to be imported, so a station that sends nothing goes without.
"""

import asyncio
import datetime
import ssl
import sys

import websockets

SUITE = "AES128-GCM-SHA256"


class Context(ssl.SSLContext):
    """Resumes the last session, for which asyncio has no parameter."""

    last = None

    def wrap_bio(self, *arguments, **named):
        return super().wrap_bio(*arguments, **named, session=self.last)


def say(*words):
    print(*words, flush=True)


def context(ca, certificate, key):
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(SUITE)
    made.load_verify_locations(ca)
    if certificate != "-":
        made.load_cert_chain(certificate, key)
    return made


class Station:
    def __init__(self, url, tls):
        self.url, self.tls = url, tls
        self.socket = None

    async def connect(self, subprotocols):
        self.socket = await websockets.connect(
            self.url, ssl=self.tls, subprotocols=subprotocols, proxy=None, open_timeout=15
        )
        tls = self.socket.transport.get_extra_info("ssl_object")
        self.tls.last = tls.session
        say("connected", self.socket.subprotocol, tls.cipher()[0], f"reused={tls.session_reused}")

    async def ask(self, name, **payload):
        """One call by the library, which reads for as long as it takes."""
        from ocpp.exceptions import OCPPError
        from ocpp.v201 import ChargePoint, call

        point = ChargePoint("station", self.socket)
        reader = asyncio.ensure_future(point.start())
        request = getattr(call, name)(**payload)
        asked = asyncio.ensure_future(point.call(request, suppress=False))
        await asyncio.wait([reader, asked], return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            try:
                return asked.result()
            except OCPPError as error:
                say("error", error.code)
                return None
        # The connection has ended.
        asked.cancel()
        return reader.result()

    async def act(self, action):
        name, _, value = action.partition("=")
        if name == "at":
            # Another path.
            self.url = self.url[: self.url.index("/", len("wss://"))] + value
        elif name == "connect":
            await self.connect(value.split(",") if value else ["ocpp2.0.1"])
        elif name == "boot":
            described = {"model": "Wallbox 2", "vendor_name": "Example Inc."}
            if value:
                described["serial_number"] = value
            answer = await self.ask(
                "BootNotification", charging_station=described, reason="PowerUp"
            )
            say("boot", answer.status, answer.interval)
        elif name == "beat":
            answer = await self.ask("Heartbeat")
            if answer is None:
                return
            told = datetime.datetime.fromisoformat(answer.current_time)
            away = abs(datetime.datetime.now(datetime.timezone.utc) - told)
            say("beat", "right" if away < datetime.timedelta(minutes=1) else answer.current_time)
        elif name == "status":
            moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
            told = await self.ask(
                "StatusNotification",
                timestamp=moment,
                connector_status="Available",
                evse_id=1,
                connector_id=2,
            )
            say("status", "refused" if told is None else "told")
        elif name == "other":
            await self.ask("LogStatusNotification", status="Idle")
        elif name == "raw":
            await self.socket.send(value)
            say("raw", await self.socket.recv())
        elif name == "send":
            await self.socket.send(value)
        elif name == "binary":
            await self.socket.send(b"[]")
        elif name == "long":
            await self.socket.send("x" * int(value))
        elif name == "wait":
            # Reads until the other side closes.
            async for _ in self.socket:
                pass
            say("ended", self.socket.close_code, self.socket.close_reason)
        elif name == "close":
            await self.socket.close()
            say("closed")
        else:
            raise ValueError(action)


async def main(url, ca, certificate, key, *actions):
    station = Station(url, context(ca, certificate, key))
    for action in actions:
        try:
            await station.act(action)
        except websockets.InvalidStatus as error:
            say("refused", error.response.status_code)
        except websockets.ConnectionClosed as error:
            # The other side may close while the WebSocket is being opened.
            if station.socket is None:
                say("failed", type(error).__name__, error)
                continue
            say("ended", station.socket.close_code, station.socket.close_reason)
        except (OSError, EOFError, websockets.InvalidHandshake) as error:
            say("failed", type(error).__name__, error)


asyncio.run(main(*sys.argv[1:]))
