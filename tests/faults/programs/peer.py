"""A server on standard input and output that shakes hands and then misbehaves, in the way its argument names.

Plain Python without packages, so that it starts fast and shares no code with what is tested.
"""

import json
import os
import signal
import sys
import time

BEHAVIOUR = sys.argv[1]


def write(data):
    while data:
        data = data[os.write(1, data) :]


def send(**members):
    write(json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n")


def answer(request, text="fine", **members):
    result = {"content": [{"type": "text", "text": text}]}
    send(**{"id": request["id"], "result": result, **members})


def notification(text="x"):
    return {"method": "notifications/message", "params": {"level": "info", "data": text}}


def sleep_for_ever():
    while True:
        time.sleep(60)


def misbehave(request):
    name = BEHAVIOUR
    if name == "dies":
        os.write(2, b"out of cheese\n")
        os._exit(3)
    elif name == "is_killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "stops":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif name == "is_silent":
        pass
    elif name == "is_deaf":
        sleep_for_ever()
    elif name == "closes_output":
        os.close(1)
        sleep_for_ever()
    elif name == "closes_input":
        os.close(0)
        sleep_for_ever()
    elif name == "writes_rubbish":
        write(b"\x00\xff\xfe rubbish \x80\n{]\n[]\n42\nnull\n\n\n" + bytes(range(1, 256)) + b"\n")
    elif name == "writes_rubbish_then_answers":
        write(b'Listening on port 80\n\x80\x81\n{]\n{}\n[1]\n{"id": 1}\n' + b"[" * 5000 + b"\n")
        answer(request)
    elif name == "breaks_its_answer":
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[nonsense]}}\n' % request["id"])
    elif name == "answers_too_deep":
        nested = b"[" * 5000 + b"]" * 5000
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"x":%s}}\n' % (request["id"], nested))
    elif name == "answers_the_wrong_type":
        send(id=request["id"], result={"content": 17})
    elif name == "answers_no_object":
        send(id=request["id"], result=[1, 2])
    elif name == "answers_both_ways":
        send(id=request["id"], result={"content": []}, error={"code": 1, "message": "both"})
    elif name == "answers_twice":
        answer(request)
        answer(request, "again")
    elif name == "answers_wrong_ids":
        for wrong in (request["id"] + 1000, -1, "abc", 2**70, "", "1e3"):
            answer(request, "not yours", id=wrong)
    elif name == "refuses_without_id":
        send(id=None, error={"code": -32700, "message": "what?"})
    elif name == "answers_half":
        write(b'{"jsonrpc":"2.0","id":%d,"resu' % request["id"])
        os._exit(0)
    elif name == "answers_half_and_waits":
        write(b'{"jsonrpc":"2.0","id":%d,"resu' % request["id"])
        sleep_for_ever()
    elif name == "drips":
        line = {"jsonrpc": "2.0", "id": request["id"], "result": {"content": [{"type": "text", "text": "é" * 40}]}}
        for byte in json.dumps(line, ensure_ascii=False).encode() + b"\n":
            write(bytes([byte]))
            time.sleep(0.0005)
    elif name == "floods_then_answers":
        line = json.dumps({"jsonrpc": "2.0", **notification()}).encode() + b"\n"
        for _ in range(20):
            write(line * 100)
        answer(request)
    elif name == "floods_for_ever":
        line = json.dumps({"jsonrpc": "2.0", **notification()}).encode() + b"\n"
        while True:
            write(line * 100)
    elif name == "floods_requests":
        for number in range(2000):
            send(id=number, method="ping")
        answer(request)
    elif name == "streams_one_line_for_ever":
        while True:
            write(b'{"x":"' + b"x" * 65536)
    elif name == "asks_with_illegal_ids":
        for illegal in (None, True, 1.5, [], {}):
            send(id=illegal, method="ping")
        answer(request)
    else:
        raise SystemExit(f"no such behaviour: {name}")


pending = b""
while True:
    chunk = os.read(0, 65536)
    if not chunk:
        break
    *lines, pending = (pending + chunk).split(b"\n")
    for line in lines:
        message = json.loads(line)
        method = message.get("method")
        if method == "initialize":
            result = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "peer", "version": "0"},
            }
            send(id=message["id"], result=result)
        elif method == "tools/list":
            send(id=message["id"], result={"tools": []})
        elif method == "ping":
            send(id=message["id"], result={})
        elif method == "tools/call" and message["params"]["name"] == "fault":
            misbehave(message)
        elif method == "tools/call":
            answer(message)
