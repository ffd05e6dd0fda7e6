#!/usr/bin/env python3
"""A whole client in 60 lines of plain Python, written from docs/methods.md and docs/events.md alone.

    python3 client.py http://127.0.0.1:8080 LOGIN PASSWORD COLLEAGUE "Hello"

Signs in, opens the direct chat with the colleague, sends one text, prints what is pushed for ten seconds.
"""
import base64, json, os, secrets, socket, struct, sys, urllib.parse, urllib.request


def call(base, method, params, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = "Bearer " + token
    request = urllib.request.Request(f"{base}/api/v1/{method}", json.dumps(params).encode(), headers)
    return json.load(urllib.request.urlopen(request))


class Socket:
    def __init__(self, base):
        host = urllib.parse.urlsplit(base)
        self.io = socket.create_connection((host.hostname, host.port or 80))
        key = base64.b64encode(os.urandom(16)).decode()
        self.io.sendall((f"GET /ws HTTP/1.1\r\nHost: {host.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Protocol: chaoke.v1.json\r\n\r\n").encode())
        self.file = self.io.makefile("rb")
        assert b"101" in self.file.readline(), "no WebSocket"
        while self.file.readline().strip():
            pass

    def send(self, value):
        data, mask = json.dumps(value).encode(), os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        self.io.sendall(b"\x81" + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def receive(self):
        kind, size = self.file.read(2)
        longer = {126: "!H", 127: "!Q"}.get(size)
        size = struct.unpack(longer, self.file.read(struct.calcsize(longer)))[0] if longer else size
        data = self.file.read(size)
        return json.loads(data) if kind & 15 == 1 else sys.exit(f"closed: {data[:2].hex()} {data[2:].decode()}")


base, login, password, colleague, text = sys.argv[1:]
me = call(base, "session.sign_in", {"login": login, "password": password})
token = me["access_token"]
found = call(base, "directory.search", {"query": colleague}, token)["items"]
chat = call(base, "conversation.open_direct", {"user_id": found[0]["user_id"]}, token)
ws = Socket(base)
ws.send([1, "connection.open", {"token": token, "device_id": "example", "client": "client.py", "locale": "zh-CN"}])
message = {"conversation_id": chat["conversation_id"], "peer_id": found[0]["user_id"], "client_msg_id": secrets.token_hex(16), "text": text}
ws.send([2, "message.send", message])
ws.io.settimeout(10)
try:
    while True:
        print(json.dumps(ws.receive(), ensure_ascii=False))
except TimeoutError:
    pass
