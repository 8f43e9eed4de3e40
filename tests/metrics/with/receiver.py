# SPDX-License-Identifier: Apache-2.0
"""A receiver of OTLP by python3-grpcio.

    r = Receiver("unix:/tmp/otlp.sock")         or "127.0.0.1:4317", credentials
    r.flows()                                   attributes of each flow that came
"""
import os
import sys
from concurrent import futures

sys.path.insert(0, f"{os.environ.get('B', 'build')}/tests/api/gen")
import grpc  # noqa: E402
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb2  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2  # noqa: E402

SERVICES = {"logs": ("opentelemetry.proto.collector.logs.v1.LogsService", logs_pb2.ExportLogsServiceRequest),
            "metrics": ("opentelemetry.proto.collector.metrics.v1.MetricsService", metrics_pb2.ExportMetricsServiceRequest)}


def value(v):
    return getattr(v, v.WhichOneof("value"))


def attributes(pairs):
    return {a.key: value(a.value) for a in pairs}


class Receiver:
    """Answers as it is told: takes, refuses a part, fails."""

    def __init__(self, at, credentials=None):
        self.logs, self.rounds, self.requests = [], [], 0
        self.refuse = self.fail = None
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        for kind, (name, request) in SERVICES.items():
            method = grpc.unary_unary_rpc_method_handler(getattr(self, "take_" + kind), request.FromString,
                                                         lambda m: m.SerializeToString())
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": method}),))
        if credentials:
            self.server.add_secure_port(at, credentials)
        else:
            self.server.add_insecure_port(at)
        self.server.start()

    def take_logs(self, request, context):
        self.requests += 1
        if self.fail:
            context.abort(self.fail, "as the test wants it")
        self.logs += [(r, s) for r in request.resource_logs for g in r.scope_logs for s in g.log_records]
        answer = logs_pb2.ExportLogsServiceResponse()
        if self.refuse:
            answer.partial_success.rejected_log_records = self.refuse
            answer.partial_success.error_message = "some"
        return answer

    def take_metrics(self, request, context):
        self.rounds.append(request)
        return metrics_pb2.ExportMetricsServiceResponse()

    def flows(self):
        return [attributes(log.attributes) for _, log in self.logs]

    def stop(self):
        """Whoever is being answered is: else the same flows come again, to the next one."""
        self.server.stop(30).wait()
