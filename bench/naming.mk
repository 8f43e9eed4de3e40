# SPDX-License-Identifier: Apache-2.0
# What the agent's side of the stream costs: naming records.
STREAM_PARTS += $(B)/bench/stream/naming
$(B)/bench/stream/naming.o: | $(B)/gen/bpf/weir.skel.h
$(B)/bench/stream/naming: $(B)/bench/stream/naming.o $(B)/bench/report.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
