# SPDX-License-Identifier: Apache-2.0
# Random worlds: engine = reference = kernel.  A minute in CI; by hand: make worlds SECONDS=600; ten million frames through
# the real programs in five minutes: make worlds VERDICTS=12600000 QUESTIONS=20000.
WORLDS_AGENT := datapath load load_kept maps maps_entries pins run flows flow_table grace
WORLDS_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/worlds/*.c))
$(B)/tests/worlds/worlds: $(WORLDS_OBJ) $(REFERENCE_OBJ) $(WORLDS_AGENT:%=$(B)/agent/%.o) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
SLOW += tests/worlds/worlds.sh
TEST_NEEDS += $(B)/tests/worlds/worlds
worlds: $(B)/tests/worlds/worlds
	$< $(if $(VERDICTS),--verdicts $(VERDICTS),--seconds $(or $(SECONDS),60)) --kernel $(if $(QUESTIONS),--questions $(QUESTIONS)) $(if $(SEED),--seed $(SEED))
.PHONY: worlds
