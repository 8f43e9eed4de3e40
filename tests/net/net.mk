# SPDX-License-Identifier: Apache-2.0
# The datapath on the kernel that runs, in namespaces of its own.
NET_KERNEL := $(addprefix $(B)/agent/,datapath.o load.o load_kept.o pins.o maps.o maps_entries.o grace.o run.o flows.o flow_table.o \
	sweep.o attach.o attach_hooks.o attach_foreign.o tcx.o clsact.o links.o)
NET_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/net/*.c))

$(NET_TESTS:%=%.o) $(B)/tests/net/with/parts.o: | $(B)/gen/bpf/weir.skel.h
$(NET_TESTS): $(B)/tests/net/%: $(B)/tests/net/%.o $(NET_KERNEL) $(B)/tests/net/with/parts.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

QUICK += $(NET_TESTS)
