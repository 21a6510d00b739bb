"""A whole call between two python-socketio clients: `python call.py TRANSPORTS`.

It ends with a message and a code other than 0 at the first thing that is not as docs/ says.
"""

import asyncio
import json
import os
import sys

import aiohttp
import engineio.payload
import socketio

# By polling this library gives up when more than 16 packets come at once, which a burst of candidates does. Its documentation
# names this variable.
engineio.payload.Payload.max_decode_packets = 64

STAGE = json.loads(os.environ["RINGBACK_E2E_STAGE"])
LIMIT_S = 10
EVENTS = [
    "registered", "resync", "incoming-call", "call-answered", "call-ended", "user-joined", "user-left", "webrtc-offer",
    "webrtc-answer", "ice-candidate", "audio-toggled", "call-error",
]


def check(got, expected, what):
    """Fails with both values."""
    if got != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {got!r}")


class Phone:
    """One connection; what arrives waits until it is asked for."""

    def __init__(self, name, login):
        self.name, self.login = name, login
        self.inbox = {event: asyncio.Queue() for event in EVENTS}
        self.socket = socketio.AsyncClient(reconnection=False)
        for event in EVENTS:
            self.socket.on(event, self.inbox[event].put)

    async def expect(self, event):
        """The next event of this name."""
        try:
            return await asyncio.wait_for(self.inbox[event].get(), LIMIT_S)
        except asyncio.TimeoutError:
            errors = [self.inbox["call-error"].get_nowait() for _ in range(self.inbox["call-error"].qsize())]
            raise AssertionError(f"{self.name}: no {event}; errors: {errors}") from None

    async def done(self, event, data):
        """Sends, and waits for the acknowledgement that it was done."""
        ack = await self.socket.call(event, data, timeout=LIMIT_S)
        check(ack.get("ok"), True, f"{self.name}: {event} -> {ack}")

    async def post(self, http, path, body, status):
        """One HTTP request with the token in the body."""
        body = {"userId": self.login["userId"], "accessToken": self.login["accessToken"], **body}
        async with http.post(STAGE["url"] + path, json=body) as answer:
            check(answer.status, status, f"{self.name}: {path} -> {await answer.text()}")
            return await answer.json()

    async def register(self, transports):
        """Connects and says who it is."""
        await self.socket.connect(STAGE["url"], transports=transports)
        await self.done("register-user", {key: self.login[key] for key in ("userId", "accessToken")})
        check((await self.expect("registered"))["userId"], self.login["userId"], "registered")


async def relay(sender, receiver, event, field, call_id, payloads):
    """Sends signals one way; they must arrive verbatim and in order."""
    for payload in payloads:
        await sender.socket.emit(event, {"callId": call_id, field: payload, "targetUserId": "all"})
    for payload in payloads:
        signal = await receiver.expect(event)
        check(signal[field], payload, event)
        check(signal["callId"], call_id, event)
        check(signal["fromUserId"], sender.login["userId"], event)


def candidates(name):
    """Thirty of them; the last says that there are no more."""
    text = "candidate:{0} 1 udp {1} 192.0.2.{0} 5000 typ host ufrag {2} \u2028 é"
    return [{"candidate": text.format(n, 2130706431 - n, name), "sdpMid": str(n), "odd": [None, 1.5, {}]} for n in range(29)] + [None]


async def whole_call(http, alice, bob):
    """Ring, answer, negotiate, hang up."""
    initiated = await alice.post(http, "/api/calls/initiate", {"roomId": STAGE["roomId"], "callType": "voice"}, 201)
    check(initiated["delivery"], {"live": 1, "pending": 0, "devices": 1}, "delivery")
    ringing = await bob.expect("incoming-call")
    call_id = initiated["callId"]
    expected = {"eventType": "incoming_call", "callId": call_id, "callType": "voice", "roomId": STAGE["roomId"],
                "callerId": alice.login["userId"], "initiatorId": alice.login["userId"]}
    check({key: ringing.get(key) for key in expected}, expected, "incoming-call")
    check(bool(ringing["callerName"]) and bool(ringing["iceServers"]), True, "callerName and iceServers")
    await alice.done("join-call", {"callId": call_id})
    answered = await bob.post(http, f"/api/calls/{call_id}/answer", {}, 200)
    check(answered["status"], "active", "answer")
    check((await alice.expect("call-answered"))["answeredBy"], bob.login["userId"], "call-answered")
    await bob.done("join-call", {"callId": call_id})
    check((await alice.expect("user-joined"))["userId"], bob.login["userId"], "user-joined")
    await relay(alice, bob, "webrtc-offer", "offer", call_id, [{"type": "offer", "sdp": "v=0\r\n☎" + "a=x\r\n" * 500}])
    await relay(bob, alice, "webrtc-answer", "answer", call_id, [{"type": "answer", "sdp": "v=0\r\n"}])
    await asyncio.gather(relay(alice, bob, "ice-candidate", "candidate", call_id, candidates("alice")),
                         relay(bob, alice, "ice-candidate", "candidate", call_id, candidates("bob")))
    await alice.post(http, f"/api/calls/{call_id}/end", {}, 200)
    ended = await bob.expect("call-ended")
    check((ended["callId"], ended["endedBy"], ended["reason"]), (call_id, alice.login["userId"], "hangup"), "call-ended")


async def main():
    """Two phones, one call."""
    transports = sys.argv[1].split(",")
    alice, bob = Phone("alice", STAGE["alice"]), Phone("bob", STAGE["bob"])
    async with aiohttp.ClientSession() as http:
        try:
            await asyncio.gather(alice.register(transports), bob.register(transports))
            await whole_call(http, alice, bob)
        finally:
            await asyncio.gather(alice.socket.disconnect(), bob.socket.disconnect())
    print(f"a whole call by python-socketio over {sys.argv[1]}")


asyncio.run(asyncio.wait_for(main(), 50))
