# SPDX-License-Identifier: Apache-2.0
# The kernel programs by BPF_PROG_TEST_RUN.  world.o and frame.o are for others' tests, too.
BPF_WORLD := $(B)/tests/bpf/world.o $(B)/tests/bpf/frame.o
BPF_TESTS := $(patsubst %.c,$(B)/%,$(filter-out tests/bpf/world.c tests/bpf/frame.c tests/bpf/quick.c,$(wildcard tests/bpf/*.c)))

$(BPF_WORLD) $(BPF_TESTS:%=%.o): | $(B)/gen/bpf/weir.skel.h
$(BPF_TESTS): $(B)/tests/bpf/%: $(B)/tests/bpf/%.o $(BPF_WORLD) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_BPF) $(LIBS_RPC) $(LIBS_LIB)

QUICK += $(BPF_TESTS) tests/bpf/forms.sh
