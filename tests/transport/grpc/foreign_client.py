"""What a gRPC client of another language can do with nothing but our address; prints what it saw as JSON.

It learns every message type from server reflection (v1alpha, the version that grpcio-reflection speaks).
"""

import base64
import json
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(sys.argv[1])
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)


def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def call(path, request, reply_type, stream=False):
    kind = channel.unary_stream if stream else channel.unary_unary
    method = kind(path, type(request).SerializeToString, message(reply_type).FromString)
    return method(request, timeout=10)


def file_of(symbol):
    try:
        return database.FindFileContainingSymbol(symbol).name
    except KeyError:
        return None


def plain(reply):
    return json_format.MessageToDict(reply, preserving_proto_field_name=True)


def failure(run):
    try:
        run()
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


def health(service):
    request = message("grpc.health.v1.HealthCheckRequest")(service=service)
    path, reply = "/grpc.health.v1.Health/Check", "grpc.health.v1.HealthCheckResponse"
    error = failure(lambda: call(path, request, reply))
    return error[0] if error else plain(call(path, request, reply))["status"]


jobs = "cyxwiz.protocol."
submit = message(jobs + "SubmitJobRequest")
symbols = ["JobService.SubmitJob", "LogMessage.Level", "STATUS_SUCCESS", "NodeInfo.pricing", "Nothing"]
updates = call(
    "/cyxwiz.protocol.JobService/StreamJobUpdates",
    message(jobs + "GetJobStatusRequest")(job_id="j"),
    jobs + "JobUpdateStream",
    stream=True,
)
extremes = message(jobs + "JobStatus")(
    start_time=2**63 - 1, end_time=-(2**63), progress=float("nan"), status=99, metrics={"ą": -0.0}, current_epoch=-1
)

print(
    json.dumps(
        {
            "services": sorted(database.get_services()),
            "files": {jobs + symbol: file_of(jobs + symbol) for symbol in symbols},
            "imports": [file.name for file in pool.FindFileByName("cyxwiz/reservation.proto").dependencies],
            "submitted": plain(
                call("/cyxwiz.protocol.JobService/SubmitJob", submit(config={"epochs": 7}), jobs + "SubmitJobResponse")
            ),
            "epochs": [update.status.current_epoch for update in updates],
            "noConfig": failure(
                lambda: call("/cyxwiz.protocol.JobService/SubmitJob", submit(), jobs + "SubmitJobResponse")
            ),
            "health": [health(""), health("cyxwiz.protocol.JobService"), health("nobody")],
            "jobStatus": base64.b64encode(extremes.SerializeToString()).decode(),
        }
    )
)
