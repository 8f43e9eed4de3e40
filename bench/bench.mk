# SPDX-License-Identifier: Apache-2.0
# make bench: everything that is promised of the wall, measured and judged; PART="programs table" runs some of it.
ifdef DELAYED
BPF_CFLAGS += -include bench/slow.h
endif

$(B)/bench/%.bpf.o: bench/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) $(DEPS) -c $< -o $@
$(B)/gen/bench/%.skel.h: $(B)/bench/%.bpf.o
	@mkdir -p $(@D)
	PATH=$$PATH:/usr/sbin bpftool gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

# the agent as a library: what is linked of it is what is called
$(B)/libagent.a: $(call obj,$(filter-out agent/main.c,$(AGENT_SRC)))
	rm -f $@ && ar rcs $@ $^

# bench/compile.c is a program of its own
BENCH_SRC := $(filter-out %.bpf.c bench/compile.c,$(wildcard bench/*.c))
$(call obj,$(BENCH_SRC)): | $(B)/gen/bench/wrap.skel.h $(B)/gen/bench/mini2.skel.h
$(B)/bench/bench: $(call obj,$(BENCH_SRC)) $(B)/libagent.a $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

PART ?=
bench-deps:
	@sh deploy/packages build bench
bench-slow:
	@$(MAKE) -s B=$(B)/delayed DELAYED=1 $(B)/delayed/bench/bench
bench: bench-deps all $(B)/bench/bench bench-slow
	@$(B)/bench/bench --directory $(B)/bench --slow $(B)/delayed/bench/bench --agent $(B)/weir-agent \
		--compiler $(B)/bench/compile $(foreach p,$(PART),--part $(p))
.PHONY: bench bench-deps bench-slow
