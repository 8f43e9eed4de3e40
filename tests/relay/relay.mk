# SPDX-License-Identifier: Apache-2.0
# The relay's parts by themselves, and the whole relay before agents, real and false.
RELAY_PARTS := $(filter-out $(B)/relay/main.o,$(call obj,$(RELAY_SRC))) $(B)/gen/relay/page_files.o
RELAY_TESTS := $(patsubst %.c,$(B)/%,tests/relay/merge.c tests/relay/edges.c tests/relay/notices.c tests/relay/tape.c tests/relay/past.c tests/relay/map.c tests/relay/doors.c tests/relay/live.c)

$(B)/tests/relay/fake_agent $(RELAY_TESTS): $(B)/tests/relay/%: $(B)/tests/relay/%.o $(RELAY_PARTS) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB) -lz

$(B)/tests/relay/live: $(B)/tests/relay/rig.o
$(B)/tests/relay/fake_agent: $(B)/tests/relay/fake_edges.o
# it takes memory away
$(B)/tests/relay/tape: WEIR_LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

QUICK += $(addprefix $(B)/tests/relay/,merge edges notices tape past map doors)
SLOW += $(B)/tests/relay/live tests/relay/odd.py tests/relay/tls.py tests/relay/page.py tests/relay/feed.py tests/relay/access.py
TEST_NEEDS += $(B)/tests/api/gen/.done $(B)/weir-relay $(B)/tests/relay/fake_agent

STREAM_PARTS += $(B)/bench/stream/relay
$(B)/bench/stream/relay: $(B)/bench/stream/relay.o $(B)/tests/relay/rig.o $(B)/bench/report.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB) -lz
bench-stream: $(B)/tests/relay/fake_agent
