"""A client of Rill in one file: Python 3.9 or newer and the package websocket-client.

    chat = Rill("http://localhost:8000", outbox="unsent.json")
    chat.log_in("ada", "correct horse")          # or Rill(url, api_key=...) for a bot
    chat.on("message.sent", lambda event: print(event["data"]["content"]))
    chat.send(conversation_id, "hello")          # from any thread, also without a connection
    chat.run()                                   # connects, and stays so, until stop()

It keeps the promises of the JavaScript library: every event of a stream is handed on once and in order (it resumes from the last one
that it saw, and asks for what is missing), and every message that was given to send() is sent once, in the order of writing in each
conversation, over lost connections, expired tokens and, with a file for the outbox, over the end of the program.
"""
import json
import os
import random
import secrets
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import websocket

# Nobody knows whether it was done, or it was not for now: the same again, with the same id, is right.
WORTH_REPEATING = {"unreachable", "unavailable", "unknown_outcome", "internal", "rate_limited"}
FIRST_DELAY, MAX_DELAY = 0.5, 30.0
STEADY_AFTER = 5.0
PONG_WITHIN = 10.0
ANSWER_WITHIN = 20.0
MAX_UNSENT = 1000
MAX_CURSORS = 900


class Refusal(Exception):
    """What the server refused, or could not be asked. `code` is stable, for programs."""

    def __init__(self, code, detail="", retry_after=1.0):
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.retry_after = code, retry_after


def new_id():
    """A ULID: 48 bits of time, 80 of chance."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(125, -1, -5))


def seq_of(event_id):
    return int(event_id.split("-")[1])


class Rill:
    def __init__(self, url, api_key=None, outbox=None, device_id=None):
        """`outbox`: the path of a file. `device_id`: any name; under it the server keeps what has reached this client, so that one
        that was ended gets what it missed."""
        self.url = url.rstrip("/")
        self.device_id = device_id
        self.user_id = None
        self.cursors = {}  # stream (a conversation's or the user's id) -> id of the last event that was handed on
        self._access, self._refresh, self._expires = api_key, None, float("inf")
        self._handlers = {}
        self._outbox = Outbox(outbox)
        self._lock = threading.RLock()
        self._socket = None  # while it is live
        self._flying = {}  # frame id -> message that waits for its answer
        self._resting = set()  # conversations that the server wants to hear of a moment later
        self._frames = 0
        self._gaps = {}  # stream -> place after which something was missing, and was asked for
        self._stopped = threading.Event()

    # --- accounts and REST

    def register(self, username, password):
        self._keep(self._http("POST", "/auth/register", {"username": username, "password": password}))

    def log_in(self, username, password):
        self._keep(self._http("POST", "/auth/login", {"username": username, "password": password}))

    def call(self, method, path, body=None, **query):
        """One request: call("GET", "/conversations", limit=10). A write may be repeated by the server's word, and is done once."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        key = None if method == "GET" else new_id()
        try:
            return self._http(method, path, body, self._token(), key)
        except Refusal as refusal:
            if refusal.code not in ("token_expired", "unauthenticated"):
                raise
            return self._http(method, path, body, self._renewed(), key)

    def _http(self, method, path, body=None, token=None, key=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = "Bearer " + token
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + "/api/v1" + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _refusal_of(error) from None
        except OSError as error:
            raise Refusal("unreachable", str(error)) from None
        return json.loads(text) if text else None

    def _keep(self, answer):
        self._access, self._refresh = answer["access_token"], answer["refresh_token"]
        self._expires = time.time() + answer["expires_in"]

    def _token(self):
        if self._access is None:
            raise Refusal("unauthenticated", "log in first")
        return self._access if time.time() < self._expires - 30 else self._renewed()

    def _renewed(self):
        if self._refresh is None:
            raise Refusal("unauthenticated", "the session has ended")
        self._keep(self._http("POST", "/auth/refresh", {"refresh_token": self._refresh}))
        return self._access

    # --- what an application does

    def on(self, name, handler):
        """Calls the handler with every event of this type, in order. "*": with all. "sync.reset": read the conversation anew.
        "refused": with a message that the server did not take, and why. "state": with "live" and "waiting"."""
        self._handlers.setdefault(name, []).append(handler)

    def send(self, conversation_id, content, **fields):
        """Writes a message and answers its id: it goes out in its turn, until the server has it or refuses it."""
        message = {"conversation_id": conversation_id, "id": new_id(), "content": content, **fields}
        with self._lock:
            self._outbox.add(message)
            self._pump()
        return message["id"]

    def command(self, type, **data):
        """Any other command, as command("typing.start", conversation_id=...). Lost with the connection, if there is one."""
        with self._lock:
            if self._socket:
                self._write(type, data)

    def stop(self):
        self._stopped.set()
        with self._lock:
            if self._socket:
                self._socket.close(timeout=0)

    def run(self):
        """Connects and hands events on, until stop(), or until the server says that it does not want this client back."""
        tries = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            at_least = 0.0
            try:
                code, reason = self._connected()
                if code == 4401:
                    self._expires = 0
                if 4500 <= code <= 4999:
                    raise Refusal("unauthenticated" if code == 4501 else "refused", f"closed with {code} {reason}")
                if code == 4429:
                    at_least = 1.0
            except Refusal as refusal:
                if refusal.code not in WORTH_REPEATING:
                    raise
                at_least = refusal.retry_after if refusal.code == "rate_limited" else 0.0
            except (OSError, websocket.WebSocketException):
                pass
            if time.monotonic() - began > STEADY_AFTER:
                tries = 0
            self._tell("state", "waiting")
            # Full jitter: those who lost their connection together do not come back together.
            self._stopped.wait(at_least + random.random() * min(MAX_DELAY, FIRST_DELAY * 2**tries))
            tries += 1

    # --- one connection

    def _connected(self):
        """Lives through one connection. Answers how it was closed."""
        address = self.url.replace("http", "ws", 1) + "/api/v1/ws?resume=1"
        if self.device_id:
            address += "&device_id=" + self.device_id
        protocols = ["chat.v1", "bearer." + self._token()]
        try:
            socket = websocket.create_connection(address, subprotocols=protocols, timeout=15, enable_multithread=True)
        except websocket.WebSocketBadStatusException as error:
            if error.status_code == 401:
                self._renewed()
            raise
        try:
            return self._receive(socket)
        finally:
            with self._lock:
                self._socket = None
                self._flying.clear()
            socket.close(timeout=0)

    def _receive(self, socket):
        waits = 15.0
        is_asked = False
        while not self._stopped.is_set():
            socket.settimeout(PONG_WITHIN if is_asked else waits)
            try:
                opcode, data = socket.recv_data()
            except websocket.WebSocketTimeoutException:
                if is_asked:
                    return 1006, "the server does not answer"
                # A link that went dead without a word is only found by asking.
                socket.send(json.dumps({"type": "ping"}))
                is_asked = True
                continue
            is_asked = False
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return (struct.unpack("!H", data[:2])[0], data[2:].decode()) if len(data) >= 2 else (1005, "")
            frame = json.loads(data)
            if frame["type"] == "session.ready":
                waits = float(frame["data"]["heartbeat_interval"])
            self._take(socket, frame)
        return 1000, "stopped"

    def _take(self, socket, frame):
        if "seq" in frame:
            self._event(socket, frame)
        elif frame["type"] == "session.ready":
            self._ready(socket, frame["data"])
        elif frame["type"] == "session.resumed":
            with self._lock:
                self._socket = socket
                self._pump()
            self._tell("state", "live")
        elif frame["type"] == "sync.reset":
            stream = frame["data"].get("conversation_id") or self.user_id
            self.cursors[stream] = frame["data"]["last_event_id"]
            self._tell("sync.reset", frame["data"])
        elif frame["type"] in ("ack", "error"):
            self._answer(frame)
        elif "actor_id" in frame:
            self._tell(frame["type"], frame)

    def _ready(self, socket, ready):
        self.user_id = ready["user"]["id"]
        is_first = not self.cursors
        # Of what is not named here, a server that knows the device sends what it missed.
        for conversation in [] if self.device_id else reversed(ready["conversations"]):
            if conversation["id"] not in self.cursors:
                self.cursors[conversation["id"]] = conversation["last_event_id"]
                if not is_first:
                    self._tell("sync.reset", {"conversation_id": conversation["id"]})
        if not self.device_id:
            self.cursors.setdefault(self.user_id, ready["user_event_id"])
        data = {"cursors": dict([pair for pair in self.cursors.items() if pair[0] != self.user_id][-MAX_CURSORS:])}
        if self.user_id in self.cursors:
            data["user"] = self.cursors[self.user_id]
        socket.send(json.dumps({"type": "session.resume", "id": "resume", "data": data}))

    def _event(self, socket, event):
        stream = event.get("conversation_id") or event["user_id"]
        if "user_id" in event and stream != self.user_id:
            return self._tell(event["type"], event)  # somebody who is watched
        place = self.cursors.get(stream)
        if place is not None and event["seq"] <= seq_of(place):
            return
        if place is not None and event["seq"] > seq_of(place) + 1 and self._gaps.get(stream) != place:
            # Something is missing: it comes with what follows it, by resuming.
            self._gaps[stream] = place
            return socket.close(timeout=0)
        if self._gaps.pop(stream, None) is not None and place is not None and event["seq"] > seq_of(place) + 1:
            self._tell("sync.reset", {"conversation_id": stream, "last_event_id": event["id"]})
        self.cursors.pop(stream, None)
        self.cursors[stream] = event["id"]  # the most recently active stand last
        is_leaving = event["type"] == "participant.removed" and event["data"]["user_id"] == self.user_id
        if is_leaving or event["type"] == "conversation.deleted":
            del self.cursors[stream]  # what comes after a return does not follow on this
        self._tell(event["type"], event)
        self._tell("*", event)

    def _tell(self, name, what):
        for handler in self._handlers.get(name, []):
            handler(what)

    # --- messages on their way

    def _write(self, type, data):
        self._frames += 1
        frame_id = f"p{self._frames}"
        try:
            self._socket.send(json.dumps({"type": type, "id": frame_id, "data": data}))
        except (OSError, websocket.WebSocketException):
            pass  # whoever receives finds out, and comes back
        return frame_id

    def _pump(self):
        """The oldest message of each conversation is on its way; the next one goes when it has its answer."""
        if not self._socket:
            return
        busy = self._resting | {message["conversation_id"] for message in self._flying.values()}
        for message in self._outbox.all():
            if message["conversation_id"] not in busy:
                busy.add(message["conversation_id"])
                self._flying[self._write("message.send", message)] = message

    def _answer(self, frame):
        with self._lock:
            message = self._flying.pop(frame.get("id"), None)
            if message is None:
                return
            error = frame.get("error")
            if error and error["code"] in WORTH_REPEATING:
                seconds = error.get("retry_after", 1) * (1 + random.random())
                later = threading.Timer(seconds, self._again, [message["conversation_id"]])
                later.daemon = True
                self._resting.add(message["conversation_id"])
                return later.start()
            self._outbox.remove(message["id"])
            self._pump()
        if error:
            self._tell("refused", {"message": message, **error})

    def _again(self, conversation_id):
        with self._lock:
            self._resting.discard(conversation_id)
            self._pump()


class Outbox:
    """Messages that the server has not confirmed, in the order of writing; in a file, if it is given one."""

    def __init__(self, path):
        self._path = path
        self._messages = {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self._messages = {message["id"]: message for message in json.load(file)}

    def all(self):
        return list(self._messages.values())

    def add(self, message):
        if len(self._messages) >= MAX_UNSENT:
            raise Refusal("full", "too many messages wait to be sent")
        self._messages[message["id"]] = message
        self._save()

    def remove(self, message_id):
        self._messages.pop(message_id, None)
        self._save()

    def _save(self):
        if not self._path:
            return
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.all(), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._path + ".new", self._path)


def _refusal_of(error):
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {}
    retry_after = float(error.headers.get("Retry-After") or 1)
    return Refusal(problem.get("code", "unreachable"), problem.get("detail", ""), retry_after)
