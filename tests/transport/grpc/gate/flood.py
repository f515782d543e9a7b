"""Floods a server that refuses every submission, over gRPC's own core; then, told that it takes them again, waits until it does."""

import json
import sys
import time

import grpc

SERVICE = "/cyxwiz.protocol.JobService/"
channel = grpc.insecure_channel(sys.argv[1])


def method(name):
    return channel.unary_unary(SERVICE + name, lambda message: message, lambda message: message)


submit, status = method("SubmitJob"), method("GetJobStatus")
# JobConfig in field 1, whose model_definition is field 4: large enough to be on its way still when the answer comes.
body = b"m" * 20000
inner = b"\x22" + bytes([len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14]) + body
request = b"\x0a" + bytes([len(inner) & 0x7F | 0x80, len(inner) >> 7 & 0x7F | 0x80, len(inner) >> 14]) + inner

codes, words, hints, others = set(), set(), set(), set()
until = time.time() + 4
while time.time() < until:
    calls = [submit.future(request, timeout=20) for _ in range(50)]
    asked = [status.future(b"", timeout=20) for _ in range(5)]
    for call in calls:
        codes.add(call.code().name)
        words.add(call.details())
        hints.update(value for key, value in call.trailing_metadata() or () if key == "grpc-retry-pushback-ms")
    others.update(call.code().name for call in asked)
print("flooded", flush=True)

for _ in range(200):
    afterwards = submit.future(request, timeout=20).code().name
    if afterwards == "OK":
        break
    time.sleep(0.1)
print(json.dumps({
    "codes": sorted(codes),
    "words": sorted(words),
    "hints": sorted(hints),
    "others": sorted(others),
    "afterwards": afterwards,
}))
