"""An Engine and a Server Node in Python, with stubs made from the published .proto files and no code of ours.

usage: foreign_client.py <server host:port> <folder of the generated stubs>
Prints what it saw as JSON; the test judges it.
"""

import json
import sys
import threading
import time
import uuid
from concurrent import futures

import grpc

sys.path.insert(0, sys.argv[2])
from cyxwiz import common_pb2, job_pb2, job_pb2_grpc, node_pb2, node_pb2_grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402

channel = grpc.insecure_channel(sys.argv[1])
jobs = job_pb2_grpc.JobServiceStub(channel)
nodes = node_pb2_grpc.NodeServiceStub(channel)
results = node_pb2_grpc.JobStatusServiceStub(channel)
seen = {}


def plain(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


class Node(node_pb2_grpc.NodeServiceServicer):
    """Takes every job it is offered."""

    def __init__(self):
        self.offers = []
        self.arrived = threading.Event()

    def AssignJob(self, request, context):
        metadata = dict(context.invocation_metadata())
        self.offers.append({**plain(request), "attempt": metadata.get("cyxwiz-attempt")})
        self.arrived.set()
        return node_pb2.AssignJobResponse(
            status=common_pb2.STATUS_SUCCESS, job_id=request.job.job_id, accepted=True, estimated_start_time="immediate"
        )


node = Node()
server = grpc.server(futures.ThreadPoolExecutor(4))
node_pb2_grpc.add_NodeServiceServicer_to_server(node, server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()

# The node registers as the GUI build does on its first run, and sends a heartbeat at once.
info = node_pb2.NodeInfo(
    node_id=f"node_{int(time.time())}",
    name="CyxWiz-Node-python",
    version=common_pb2.Version(major=0, minor=1, patch=0),
    devices=[
        common_pb2.DeviceCaps(
            device_type=common_pb2.DEVICE_CUDA,
            device_name="GPU",
            memory_total=8 << 30,
            memory_available=8 << 30,
            compute_units=64,
        )
    ],
    cpu_cores=8,
    ram_total=16 << 30,
    ip_address="127.0.0.1",
    port=port - 3,
    region="unknown",
    reputation_score=0.5,
    is_online=True,
    supported_formats=["ONNX", "GGUF", "PyTorch"],
)
registered = nodes.RegisterNode(node_pb2.RegisterNodeRequest(info=info), timeout=10)
node_id = registered.node_id
seen["registered"] = plain(registered)
seen["heartbeat"] = plain(
    nodes.Heartbeat(
        node_pb2.HeartbeatRequest(
            node_id=node_id, current_status=node_pb2.NodeInfo(node_id=node_id, is_online=True, ram_available=1 << 30)
        ),
        timeout=5,
    )
)

# The engine submits and follows.
job_id = str(uuid.uuid4())
config = job_pb2.JobConfig(
    job_id=job_id,
    job_type=job_pb2.JOB_TYPE_TRAINING,
    priority=job_pb2.PRIORITY_HIGH,
    model_definition='{"layers": []}',
    hyperparameters={"learning_rate": "0.01", "ą": "💥"},
    dataset_uri="iris",
    batch_size=16,
    epochs=3,
    required_device=common_pb2.DEVICE_CUDA,
    estimated_memory=1 << 30,
    estimated_duration=60,
    payment_amount=2.5,
)
submit = job_pb2.SubmitJobRequest(config=config)
seen["submitted"] = plain(jobs.SubmitJob(submit, timeout=30))
seen["repeated"] = plain(jobs.SubmitJob(submit, timeout=30))
updates = []
watched = jobs.StreamJobUpdates(job_pb2.GetJobStatusRequest(job_id=job_id), timeout=30)
watcher = threading.Thread(target=lambda: updates.extend(watched))
watcher.start()

assert node.arrived.wait(10), "no offer came"
seen["offer"] = node.offers[0]
for _ in range(200):
    status = jobs.GetJobStatus(job_pb2.GetJobStatusRequest(job_id=job_id), timeout=10)
    if status.HasField("node_assignment"):
        break
    time.sleep(0.02)
seen["assigned"] = plain(status)

seen["accepted"] = plain(
    nodes.NotifyJobAccepted(
        node_pb2.JobAcceptedRequest(
            node_id=node_id, job_id=job_id, engine_address="127.0.0.1:1", accepted_at=time.time_ns(), node_endpoint="x"
        ),
        timeout=5,
    )
)
progress = []
for epoch in (1, 2, 3):
    reply = nodes.ReportProgress(
        node_pb2.ReportProgressRequest(
            node_id=node_id,
            job_id=job_id,
            status=job_pb2.JobStatus(
                job_id=job_id, status=common_pb2.STATUS_IN_PROGRESS, progress=epoch / 3, current_epoch=epoch
            ),
            current_metrics={"loss": 1 / epoch},
        ),
        timeout=10,
    )
    progress.append(reply.continue_job)
seen["progress"] = progress
completion = node_pb2.ReportCompletionRequest(
    node_id=node_id,
    job_id=job_id,
    result=job_pb2.JobResult(
        job_id=job_id,
        status=common_pb2.STATUS_SUCCESS,
        model_weights_uri="file:///tmp/weights",
        model_weights_hash="ab12",
        model_size=99,
        final_metrics={"accuracy": 0.97},
        total_compute_time=3,
    ),
)
seen["completed"] = plain(nodes.ReportCompletion(completion, timeout=10))
seen["completedAgain"] = plain(nodes.ReportCompletion(completion, timeout=10))
watcher.join(10)
seen["watched"] = [plain(update) for update in updates]
seen["final"] = plain(jobs.GetJobStatus(job_pb2.GetJobStatusRequest(job_id=job_id), timeout=10))
seen["listed"] = [job.job_id for job in jobs.ListJobs(job_pb2.ListJobsRequest(page_size=50), timeout=10).jobs]

# The other way to report, about the finished job and one that never was.
update = node_pb2.UpdateJobStatusRequest(node_id=node_id, job_id=job_id, status=common_pb2.STATUS_IN_PROGRESS)
seen["late"] = plain(results.UpdateJobStatus(update, timeout=10))


def failure(call, request):
    try:
        call(request, timeout=10)
        return None
    except grpc.RpcError as error:
        return [error.code().name, error.details(), dict(error.trailing_metadata() or ()).get("cyxwiz-field")]


seen["failures"] = {
    "badId": failure(jobs.GetJobStatus, job_pb2.GetJobStatusRequest(job_id="x")),
    "noConfig": failure(jobs.SubmitJob, job_pb2.SubmitJobRequest()),
    "unknown": failure(
        results.UpdateJobStatus,
        node_pb2.UpdateJobStatusRequest(node_id=node_id, job_id="00000000-0000-4000-8000-000000000000"),
    ),
    "tooLarge": failure(
        jobs.SubmitJob,
        job_pb2.SubmitJobRequest(config=job_pb2.JobConfig(job_type=1, dataset_uri="d", model_definition="m" * 5_000_000)),
    ),
}

# Watchers that hang up at once leave nothing behind: there are more of them than the server has room for open calls.
waiting = jobs.SubmitJob(
    job_pb2.SubmitJobRequest(
        config=job_pb2.JobConfig(job_type=1, dataset_uri="d", required_device=common_pb2.DEVICE_VULKAN)
    ),
    timeout=10,
).job_id
for delay in [0, 0, 0.0005, 0.001, 0.002, 0.004] * 20:
    call = jobs.StreamJobUpdates(job_pb2.GetJobStatusRequest(job_id=waiting))
    time.sleep(delay)
    call.cancel()
for _ in range(250):
    if failure(jobs.GetJobStatus, job_pb2.GetJobStatusRequest(job_id=waiting)) is None:
        break
    time.sleep(0.02)
seen["cancelled"] = plain(jobs.CancelJob(job_pb2.CancelJobRequest(job_id=waiting, reason="done"), timeout=10))
seen["deleted"] = [
    plain(jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=one), timeout=10)) for one in (waiting, job_id, job_id)
]
seen["gone"] = failure(jobs.GetJobStatus, job_pb2.GetJobStatusRequest(job_id=job_id))

server.stop(None)
print(json.dumps(seen))
