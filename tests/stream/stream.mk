# SPDX-License-Identifier: Apache-2.0
# What the agent's reading half owes: every record delivered or counted, every packet summed once.  Needs root.
#	make soak SECONDS=600		the long form
STREAM := $(B)/tests/stream
$(STREAM)/soak.bpf.o: tests/stream/soak.bpf.c
	@mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) $(DEPS) -c $< -o $@
$(STREAM)/soak.o $(STREAM)/live.o $(STREAM)/stage.o: | $(B)/gen/bpf/weir.skel.h
$(STREAM)/soak: $(STREAM)/soak.o $(STREAM)/stage.o $(HAMMER)/loader.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
$(STREAM)/live: $(STREAM)/live.o $(STREAM)/stage.o $(HAMMER)/loader.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

soak: deps-test $(STREAM)/soak $(STREAM)/soak.bpf.o
	@B=$(B) sh tests/stream/soak.sh --seconds $(SECONDS)
TEST_NEEDS += $(STREAM)/soak $(STREAM)/live $(STREAM)/soak.bpf.o
SLOW += tests/stream/soak.sh
QUICK += tests/stream/live.sh
.PHONY: soak
