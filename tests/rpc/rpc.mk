# SPDX-License-Identifier: Apache-2.0
# lib/rpc: against itself, python3-grpcio, grpc-js, openssl and raw sockets.
RPC_PARTS := $(B)/tests/rpc/serve $(B)/tests/rpc/ask
RPC_TESTS := $(B)/tests/rpc/calls

$(RPC_TESTS): $(addprefix $(B)/tests/rpc/,calls_stage.o calls_tls.o)
$(RPC_PARTS) $(RPC_TESTS): %: %.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $(filter %.o,$^) $(B)/libweir.a -o $@ $(LIBS_RPC) $(LIBS_LIB)

TEST_NEEDS += $(RPC_PARTS)
QUICK += $(RPC_TESTS) tests/rpc/grpcio.sh tests/rpc/js.sh
SLOW += tests/rpc/hostile.sh
