# SPDX-License-Identifier: Apache-2.0
# The wire against encoders that are not ours: protobuf-c, Python's protobuf and its JSON.
$(B)/tests/wire/bytes: $(B)/tests/wire/bytes.o $(B)/tests/wire/random.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/wire/bytes
