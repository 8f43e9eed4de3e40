# SPDX-License-Identifier: Apache-2.0
# Fuzzers: every tests/fuzz/NAME.c, with seeds in tests/fuzz/corpus/NAME.
#	make fuzz SECONDS=60	the time is shared among all; a finding fails and is kept in $(B)/fuzz/NAME
#
# The compiler's warnings are gcc's business: here they are off.
#
# A line '// fuzz-links: WORD ...' in the source says what it stands on: lib (all of lib/), agent (agent/ but its
# main, with libbpf), relay (its parts that have no I/O), bpf (libbpf and the skeleton of the programs, loaded: needs root), world (tests/bpf/world), print (what
# the command line prints).
SECONDS ?= 60
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/bin/%)
FUZZ_CFLAGS := -std=gnu11 -w -D_GNU_SOURCE -I. -Iinclude -I$(B)/gen -I$(B)/gen/proto \
	-DWEIR_VERSION='"$(VERSION)"' -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined
fuzz_obj = $(patsubst %.c,$(B)/fuzz/%.o,$(1))
fuzz_links = $(shell sed -n 's,^// fuzz-links: *,,p' tests/fuzz/$(1).c)

FUZZ_LIB := $(call fuzz_obj,$(LIB_SRC)) $(PROTO_C:.c=.fuzz.o)
FUZZ_WORLD := $(call fuzz_obj,tests/bpf/world.c tests/bpf/frame.c)
FUZZ_PRINT := $(call fuzz_obj,$(addprefix tools/,print.c cells.c cells_weir.c stamp.c text.c table.c reuse.c words.c tally.c edges.c))
FUZZ_RELAY := $(call fuzz_obj,$(addprefix relay/,ask.c edges.c edge_notes.c merge.c queue.c roster.c roster_dns.c \
	roster_service.c peers.c unary.c))
FUZZ_AGENT := $(call fuzz_obj,$(filter-out agent/main.c,$(AGENT_SRC)))

$(B)/fuzz/%.o: %.c | $(PROTO_H)
	@mkdir -p $(@D)
	@$(CLANG) $(FUZZ_CFLAGS) $(DEPS) -c $< -o $@
$(B)/gen/%.fuzz.o: $(B)/gen/%.c
	@$(CLANG) $(FUZZ_CFLAGS) -c $< -o $@
$(FUZZ_AGENT) $(FUZZ_WORLD): | $(B)/gen/bpf/weir.skel.h
$(foreach f,$(FUZZ_SRC:tests/fuzz/%.c=%),\
	$(if $(filter agent bpf,$(call fuzz_links,$(f))),$(eval $(B)/fuzz/tests/fuzz/$(f).o: | $(B)/gen/bpf/weir.skel.h)) \
	$(if $(filter print,$(call fuzz_links,$(f))),$(eval $(B)/fuzz/bin/$(f): $(FUZZ_PRINT))) \
	$(if $(filter world,$(call fuzz_links,$(f))),$(eval $(B)/fuzz/bin/$(f): $(FUZZ_WORLD))) \
	$(if $(filter relay,$(call fuzz_links,$(f))),$(eval $(B)/fuzz/bin/$(f): $(FUZZ_RELAY))) \
	$(if $(filter agent,$(call fuzz_links,$(f))),$(eval $(B)/fuzz/bin/$(f): $(FUZZ_AGENT))))

$(FUZZ): $(B)/fuzz/bin/%: $(B)/fuzz/tests/fuzz/%.o $(FUZZ_LIB)
	@mkdir -p $(@D)
	@$(CLANG) -fsanitize=fuzzer,address,undefined $^ -o $@ \
		$(if $(filter agent bpf,$(call fuzz_links,$*)),$(LIBS_BPF)) $(LIBS_RPC) $(LIBS_LIB)

fuzz: deps-test $(FUZZ)
	@B=$(B) sh tests/fuzz/run $(SECONDS) $(FUZZ)
.PHONY: fuzz
