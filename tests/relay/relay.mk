# SPDX-License-Identifier: Apache-2.0
# The relay's parts by themselves, and the whole relay before agents, real and false.
RELAY_PARTS := $(filter-out $(B)/relay/main.o,$(call obj,$(RELAY_SRC)))
RELAY_TESTS := $(patsubst %.c,$(B)/%,$(filter-out tests/relay/fake_agent.c,$(wildcard tests/relay/*.c)))

$(B)/tests/relay/fake_agent $(RELAY_TESTS): $(B)/tests/relay/%: $(B)/tests/relay/%.o $(RELAY_PARTS) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB)

QUICK += $(RELAY_TESTS) $(wildcard tests/relay/*.sh) $(wildcard tests/relay/*.py)
TEST_NEEDS += $(B)/weir-relay $(B)/tests/relay/fake_agent
