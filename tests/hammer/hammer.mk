# SPDX-License-Identifier: Apache-2.0
# Two CPUs on the slots of one tiny flow table, and 100,000 flows under a flood; the real bpf/ headers, sound and broken.
HAMMER := $(B)/tests/hammer
HAMMER_BROKEN := no-incarnation plain-counters no-lock no-settle no-second-look quota-kept
HAMMER_SOUND := sound moving
HAMMER_CC = @mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) $(DEPS)

# counts move to the totals every 8 packets; a broken build moves them, too, where a lock is what it lacks
$(HAMMER)/moving.bpf.o $(HAMMER)/no-lock.bpf.o: BPF_CFLAGS += '-DCOUNT_HIGH=(1ULL << 35)'
$(HAMMER_SOUND:%=$(HAMMER)/%.bpf.o): tests/hammer/hammer.bpf.c
	$(HAMMER_CC) -c $< -o $@
$(HAMMER_BROKEN:%=$(HAMMER)/%.bpf.o): $(HAMMER)/%.bpf.o: tests/hammer/hammer.bpf.c tests/hammer/break.sh $(wildcard bpf/*.h bpf/*.c)
	@mkdir -p $(@D) && sh tests/hammer/break.sh $* $(HAMMER)/$*
	$(CLANG) $(filter-out -I.,$(BPF_CFLAGS)) -I$(HAMMER)/$* -I. $(DEPS) -c $< -o $@
$(HAMMER)/flood.bpf.o: tests/hammer/flood.bpf.c
	$(HAMMER_CC) -c $< -o $@

$(HAMMER)/hammer: $(HAMMER)/hammer.o $(HAMMER)/loader.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
$(HAMMER)/flood: $(HAMMER)/flood.o $(HAMMER)/loader.o $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

HAMMER_ALL := $(HAMMER)/hammer $(HAMMER)/flood $(patsubst %,$(HAMMER)/%.bpf.o,$(HAMMER_SOUND) $(HAMMER_BROKEN) flood)
SECONDS ?= 60
hammer: deps-test $(HAMMER_ALL)
	@B=$(B) sh tests/hammer/hammer.sh $(SECONDS)
	@B=$(B) sh tests/hammer/flood.sh
TEST_NEEDS += $(HAMMER_ALL)
SLOW += tests/hammer/hammer.sh tests/hammer/flood.sh
.PHONY: hammer
