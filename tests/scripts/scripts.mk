# SPDX-License-Identifier: Apache-2.0
# Scripts on a real agent: connections, identity, fragments, neighbours, bounds.
SCRIPTS_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/scripts/*.c))
$(B)/tests/scripts/scripts: $(SCRIPTS_OBJ) $(B)/libweir.a | $(B)/weir-agent
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)
SLOW += $(B)/tests/scripts/scripts
