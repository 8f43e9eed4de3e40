# SPDX-License-Identifier: Apache-2.0
# The agent's gRPC API from outside: python3-grpcio, and the real hubble command line if there is one ($HUBBLE, or in PATH).
API_GEN := $(B)/tests/api/gen
# gRPC's own protos without their first folder: Python has a package of that name
API_PROTO := $(filter-out grpc/%,$(PROTO:proto/%=%))
API_PROTO_GRPC := $(patsubst proto/grpc/%,%,$(filter proto/grpc/%,$(PROTO)))

$(API_GEN)/.done: $(PROTO)
	@rm -rf $(API_GEN) && mkdir -p $(API_GEN)
	protoc -Iproto -I/usr/include --python_out=$(API_GEN) $(API_PROTO)
	protoc -Iproto/grpc --python_out=$(API_GEN) $(API_PROTO_GRPC)
	@touch $@

TEST_NEEDS += $(API_GEN)/.done $(B)/weir-agent $(B)/weir
SLOW += tests/api/flows.py tests/api/streams.py tests/api/tls.py tests/api/hubble.py tests/api/authors.py
