# SPDX-License-Identifier: Apache-2.0
"""The services as python3-grpcio sees them: messages by Python's protobuf, made from our .proto files at test time.

    api = Api("unix:/run/weir-lab/x/n1.observer.sock")
    for r in api.GetFlows(number=20, whitelist=[Filter(verdict=["DROPPED"])]): ...
"""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("B", "build"), "tests/api/gen"))

import grpc  # noqa: E402
from flow import flow_pb2  # noqa: E402
from google.protobuf import any_pb2, field_mask_pb2, timestamp_pb2  # noqa: E402
from health.v1 import health_pb2  # noqa: E402
from observer import observer_pb2  # noqa: E402
from peer import peer_pb2  # noqa: E402
from reflection.v1 import reflection_pb2 as reflection_v1  # noqa: E402
from reflection.v1alpha import reflection_pb2 as reflection_v1alpha  # noqa: E402
from weir.v1 import agent_pb2, control_pb2, flow_pb2 as weir_flow_pb2  # noqa: E402

Filter = flow_pb2.FlowFilter
OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1)]

STREAMS = {
    "GetFlows": ("observer.Observer", observer_pb2.GetFlowsRequest, observer_pb2.GetFlowsResponse),
    "GetAgentEvents": ("observer.Observer", observer_pb2.GetAgentEventsRequest, observer_pb2.GetAgentEventsResponse),
    "GetDebugEvents": ("observer.Observer", observer_pb2.GetDebugEventsRequest, observer_pb2.GetDebugEventsResponse),
    "Notify": ("peer.Peer", peer_pb2.NotifyRequest, peer_pb2.ChangeNotification),
    "Edges": ("weir.v1.Agent", agent_pb2.EdgesRequest, agent_pb2.EdgesReply),
    "Watch": ("grpc.health.v1.Health", health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse),
}
UNARY = {
    "ServerStatus": ("observer.Observer", observer_pb2.ServerStatusRequest, observer_pb2.ServerStatusResponse),
    "GetNodes": ("observer.Observer", observer_pb2.GetNodesRequest, observer_pb2.GetNodesResponse),
    "GetNamespaces": ("observer.Observer", observer_pb2.GetNamespacesRequest, observer_pb2.GetNamespacesResponse),
    "Check": ("grpc.health.v1.Health", health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse),
    "Mark": ("weir.v1.Agent", agent_pb2.MarkRequest, agent_pb2.MarkReply),
    "Status": ("weir.v1.Agent", control_pb2.StatusRequest, control_pb2.Status),
    "Endpoints": ("weir.v1.Agent", control_pb2.EndpointsRequest, control_pb2.Endpoints),
    "Policies": ("weir.v1.Agent", control_pb2.PoliciesRequest, control_pb2.Policies),
    "Why": ("weir.v1.Agent", control_pb2.WhyRequest, control_pb2.Why),
}


class Api:
    """Each call by its name; 'seconds' is its deadline."""

    def __init__(self, target, credentials=None, options=()):
        options = OPTIONS + list(options)
        self.channel = grpc.secure_channel(target, credentials, options) if credentials else \
            grpc.insecure_channel(target, options)
        for name, (service, ask, answer) in STREAMS.items():
            self.add(name, ask, self.channel.unary_stream(f"/{service}/{name}", ask.SerializeToString, answer.FromString))
        for name, (service, ask, answer) in UNARY.items():
            self.add(name, ask, self.channel.unary_unary(f"/{service}/{name}", ask.SerializeToString, answer.FromString))

    def add(self, name, ask, call):
        def run(message=None, seconds=60, **fields):
            return call(message if message is not None else ask(**fields), timeout=seconds)
        setattr(self, name, run)

    def flows(self, seconds=60, **fields):
        """All of a GetFlows that ends."""
        return [r.flow for r in self.GetFlows(seconds=seconds, **fields) if r.HasField("flow")]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.channel.close()


def error(call):
    """(code's name, text) of a call that is to fail; ("OK", "") if it does not."""
    try:
        said = call()
        if hasattr(said, "__iter__") and hasattr(said, "code"):
            list(said)
        return "OK", ""
    except grpc.RpcError as e:
        return e.code().name, e.details()


def stamp(ns):
    return timestamp_pb2.Timestamp(seconds=ns // 10**9, nanos=ns % 10**9)


def mask(*paths):
    return field_mask_pb2.FieldMask(paths=paths)


def pack(message):
    a = any_pb2.Any()
    a.Pack(message)
    return a


def detail(flow):
    d = weir_flow_pb2.FlowDetail()
    flow.extensions.Unpack(d)
    return d
