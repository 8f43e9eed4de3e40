# SPDX-License-Identifier: Apache-2.0
# What the agent's side of the stream costs: naming records; what of them is delivered, and how late.
STREAM_PARTS += $(B)/bench/stream/naming
$(B)/bench/stream/naming.o: | $(B)/gen/bpf/weir.skel.h
$(B)/bench/stream/naming: $(B)/bench/stream/naming.o $(B)/bench/report.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

$(B)/bench/stream/deliver.o: | $(B)/gen/bpf/weir.skel.h
$(B)/bench/stream/deliver-with: $(B)/bench/stream/deliver.o $(B)/bench/report.o $(B)/tests/stream/stage.o $(B)/tests/hammer/loader.o \
		$(B)/libagent.a $(B)/libweir.a $(B)/tests/stream/soak.bpf.o
	$(CC) $(WEIR_LDFLAGS) $(filter-out %.bpf.o,$^) -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
# each part of the bench takes the directory alone
$(B)/bench/stream/deliver: $(B)/bench/stream/deliver-with
	@printf '#!/bin/sh\nexec "$${0}-with" "$$1" "$${0%%/bench/stream/deliver}/tests/stream/soak.bpf.o"\n' > $@ && chmod +x $@
STREAM_PARTS += $(B)/bench/stream/deliver

# an established packet's share: the bench's own paths, the stage's reader
$(B)/bench/stream/visible.o: | $(B)/gen/bpf/weir.skel.h
$(B)/bench/stream/visible: $(B)/bench/stream/visible.o $(call obj,bench/paths.c bench/talk.c bench/world.c bench/floor.c bench/report.c) \
		$(B)/tests/stream/stage.o $(B)/tests/hammer/loader.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
STREAM_PARTS += $(B)/bench/stream/visible
