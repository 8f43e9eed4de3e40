# SPDX-License-Identifier: Apache-2.0
# The command line without an agent.
$(B)/tests/tools/words: $(B)/tests/tools/words.o $(B)/tools/words.o $(B)/tools/table.o $(B)/tools/text.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/tools/words tests/tools/check.sh tests/tools/observe.sh tests/tools/stream.sh tests/tools/shells.sh tests/tools/forward.sh
$(B)/tests/tools/record: $(B)/tests/tools/record.o $(B)/tools/record.o $(B)/tools/words.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/tools/record
# a server that answers from files
$(B)/tests/tools/fake: $(B)/tests/tools/fake.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB)
TEST_NEEDS += $(B)/tests/tools/fake
$(B)/tests/tools/mask: $(B)/tests/tools/mask.o $(addprefix $(B)/tools/,print.o print_mask.o cells.o cells_weir.o stamp.o text.o \
		table.o reuse.o words.o) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/tools/mask
