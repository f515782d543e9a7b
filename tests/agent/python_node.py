"""A compute node in one file, for those who write their own: see docs/node-protocol.md.

usage: python_node.py <server host:port> <folder of stubs made by grpcio-tools from proto/>

It registers, takes one job at a time, asks before it starts, reports each epoch, and delivers the result until it is taken.
The "training" is a sleep. It signs its results where the package `cryptography` is installed. A real node would also keep
its id, its key and its finished results on disk, and serve more than one job.
"""

import hashlib
import os
import sys
import threading
import time
import uuid
from concurrent import futures

import grpc

sys.path.insert(0, sys.argv[2])
from cyxwiz import common_pb2, node_pb2, node_pb2_grpc  # noqa: E402

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    KEY = Ed25519PrivateKey.generate()
    PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
except ImportError:
    KEY, PUBLIC_KEY = None, b""

HEARTBEAT_EVERY = 0.2  # 10 s in real life
STOP_AFTER = 75.0  # the server gives the job to another node after 90 s of silence
# Whatever else a report is answered with may pass.
FINAL = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT}


class Server:
    """The way to the server. Remembers when the newest call that succeeded was sent."""

    def __init__(self, address):
        self.stub = node_pb2_grpc.NodeServiceStub(grpc.insecure_channel(address))
        self.heard = time.monotonic()

    def call(self, name, request, timeout, **metadata):
        sent = time.monotonic()
        pairs = [("cyxwiz-" + key.replace("_", "-"), str(value)) for key, value in metadata.items()]
        reply = getattr(self.stub, name)(request, timeout=timeout, metadata=pairs)
        self.heard = max(self.heard, sent)
        return reply

    def is_lost(self):
        return time.monotonic() - self.heard > STOP_AFTER


class Node(node_pb2_grpc.NodeServiceServicer):
    def __init__(self, server):
        self.server = server
        self.id = str(uuid.uuid4())
        self.boot = uuid.uuid4()
        self.lock = threading.Lock()
        self.job = None  # (job id, attempt, event that stops it)

    def AssignJob(self, request, context):
        attempt = int(dict(context.invocation_metadata()).get("cyxwiz-attempt", "1"))
        job = request.job
        if job.job_type == 0 or job.epochs < 1 or job.batch_size < 1 or not job.dataset_uri:
            return self.refusal(job.job_id, 400, "job_type, epochs, batch_size and dataset_uri are required")
        with self.lock:
            if self.job and self.job[:2] != (job.job_id, attempt):
                return self.refusal(job.job_id, 429, "busy")
            # The same attempt offered twice is one run.
            if not self.job:
                self.job = (job.job_id, attempt, threading.Event())
                threading.Thread(target=self.run, args=(job, attempt, self.job[2]), daemon=True).start()
        return node_pb2.AssignJobResponse(
            status=common_pb2.STATUS_SUCCESS, job_id=job.job_id, accepted=True, estimated_start_time="immediate"
        )

    def refusal(self, job_id, code, message):
        return node_pb2.AssignJobResponse(
            status=common_pb2.STATUS_FAILED, job_id=job_id, error=common_pb2.Error(code=code, message=message)
        )

    def run(self, job, attempt, stop):
        weights = None
        if self.report(job, attempt, 0, stop):  # ask first: begin only on a clear yes
            weights = self.train(job, attempt, stop)
        if weights is not None:
            self.deliver(job, attempt, weights)
        with self.lock:
            self.job = None

    def train(self, job, attempt, stop):
        for epoch in range(1, job.epochs + 1):
            time.sleep(0.05)
            if stop.is_set() or self.server.is_lost():
                return None
            self.report(job, attempt, epoch, stop, insist=False)
        return b"the weights"

    def report(self, job, attempt, epoch, stop, insist=True):
        """True: go on. With `insist`, asks until the server says so or the contrary; without, its silence is no matter."""
        metrics = {"loss": 1 / (epoch + 1)} if epoch else {}
        request = node_pb2.ReportProgressRequest(node_id=self.id, job_id=job.job_id, current_metrics=metrics)
        request.status.job_id = job.job_id
        request.status.status = common_pb2.STATUS_IN_PROGRESS
        request.status.progress = epoch / job.epochs
        request.status.current_epoch = epoch
        while not stop.is_set() and not self.server.is_lost():
            try:
                if self.server.call("ReportProgress", request, 10, attempt=attempt).continue_job:
                    return True
                stop.set()
            except grpc.RpcError as error:
                if error.code() in FINAL:
                    stop.set()
                elif not insist:
                    return True
                else:
                    time.sleep(0.5)
        return False

    def deliver(self, job, attempt, weights):
        digest = hashlib.sha256(weights).hexdigest()
        statement = "\n".join(
            ["cyxwiz-result-v1", self.id, job.job_id, str(attempt), "completed", digest, str(len(weights))]
        )
        request = node_pb2.ReportCompletionRequest(
            node_id=self.id, job_id=job.job_id, signature=KEY.sign(statement.encode()) if KEY else b""
        )
        result = request.result
        result.job_id = job.job_id
        result.status = common_pb2.STATUS_COMPLETED
        result.model_weights_uri = f"file:///somewhere/{job.job_id}"
        result.model_weights_hash = digest
        result.model_size = len(weights)
        result.final_metrics["loss"] = 1 / (job.epochs + 1)
        result.total_compute_time = 1  # seconds
        while True:
            try:
                self.server.call("ReportCompletion", request, 30, attempt=attempt)
                return
            except grpc.RpcError as error:
                if error.code() in FINAL:
                    return
                time.sleep(0.5)

    def register(self, port):
        info = node_pb2.NodeInfo(
            node_id=self.id, name="python", ip_address="127.0.0.1", port=port, ram_total=1 << 30, is_online=True
        )
        info.devices.add(device_type=common_pb2.DEVICE_CPU, device_name="CPU", memory_total=1 << 30)
        info.cpu_cores = os.cpu_count()
        request = node_pb2.RegisterNodeRequest(info=info, public_key=PUBLIC_KEY)
        endpoint = f"127.0.0.1:{port}"
        extras = {"boot_id": self.boot, "features": "attempts", "slots": 1, "assign_endpoint": endpoint}
        self.id = self.server.call("RegisterNode", request, 10, **extras).node_id

    def heartbeat(self):
        with self.lock:
            job = self.job
        request = node_pb2.HeartbeatRequest(node_id=self.id, active_jobs=[job[0]] if job else [])
        request.current_status.node_id = self.id
        request.current_status.is_online = True
        reply = self.server.call("Heartbeat", request, 5)
        if job and job[0] in reply.jobs_to_cancel:
            job[2].set()


def main():
    node = Node(Server(sys.argv[1]))
    served = grpc.server(futures.ThreadPoolExecutor(4))
    node_pb2_grpc.add_NodeServiceServicer_to_server(node, served)
    port = served.add_insecure_port("127.0.0.1:0")
    served.start()
    known = False
    while True:
        try:
            if not known:
                node.register(port)
                print(node.id, flush=True)
            known = True
            node.heartbeat()
            time.sleep(HEARTBEAT_EVERY)
        except grpc.RpcError as error:
            known = known and error.code() != grpc.StatusCode.NOT_FOUND
            time.sleep(0.5)


main()
