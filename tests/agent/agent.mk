# SPDX-License-Identifier: Apache-2.0
# The agent's parts by themselves, and the whole agent in a namespace of its own (needs root).
AGENT_PARTS := $(filter-out $(B)/agent/main.o,$(call obj,$(AGENT_SRC)))
AGENT_TESTS := $(patsubst %.c,$(B)/%,$(filter-out tests/agent/live_stage.c,$(wildcard tests/agent/*.c)))

$(AGENT_TESTS:%=%.o) $(B)/tests/agent/live_stage.o: | $(B)/gen/bpf/weir.skel.h
$(AGENT_TESTS): $(B)/tests/agent/%: $(B)/tests/agent/%.o $(AGENT_PARTS) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $(filter %.o,$^) $(B)/libweir.a -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
$(B)/tests/agent/live $(B)/tests/agent/offload: $(B)/tests/agent/live_stage.o

QUICK += $(AGENT_TESTS) $(wildcard tests/agent/*.sh)
TEST_NEEDS += $(B)/weir-agent
