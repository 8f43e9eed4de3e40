# SPDX-License-Identifier: Apache-2.0
# lib/rpc: against itself, python3-grpcio, grpc-js, openssl and raw sockets.
RPC_SERVE := $(B)/tests/rpc/serve
RPC_TESTS := $(B)/tests/rpc/calls

$(RPC_SERVE) $(RPC_TESTS): %: %.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB)

TEST_NEEDS += $(RPC_SERVE)
QUICK += $(B)/tests/rpc/calls
