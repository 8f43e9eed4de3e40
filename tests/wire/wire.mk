# SPDX-License-Identifier: Apache-2.0
# The wire against encoders that are not ours: protobuf-c, Python's protobuf and its JSON.
$(B)/tests/wire/bytes: $(B)/tests/wire/bytes.o $(B)/tests/wire/random.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/wire/bytes

$(B)/tests/wire/emit: $(B)/tests/wire/emit.o $(B)/tests/wire/random.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
# our protos as Python's classes, for judges that are not ours
$(B)/gen/python/.made: $(PROTO)
	@mkdir -p $(@D)
	protoc --proto_path=proto --proto_path=/usr/include --python_out=$(@D) $(PROTO) && touch $@
TEST_NEEDS += $(B)/tests/wire/emit $(B)/gen/python/.made
QUICK += tests/wire/python.sh
