"""A consumer on grpcio: calls one method over one channel until its input has a line, and says what became of the calls.

It must never try a call again: each that failed is counted.
"""

import json
import sys
import threading

import grpc

LAST = 20


def main():
    address, path = sys.argv[1:]
    channel = grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)])
    call = channel.unary_unary(path)
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()
    tally = {"calls": 0, "failed": [], "seen": {}, "last": {}}

    def once(seen):
        tally["calls"] += 1
        try:
            answer, sent = call.with_call(b"", timeout=10)
            provider = dict(sent.initial_metadata()).get("x-provider", "none")
            seen[provider] = seen.get(provider, 0) + 1
        except grpc.RpcError as error:
            tally["failed"].append(f"{error.code()}: {error.details()}")

    while not stopped.is_set():
        once(tally["seen"])
    for _ in range(LAST):
        once(tally["last"])
    print(json.dumps(tally))


main()
