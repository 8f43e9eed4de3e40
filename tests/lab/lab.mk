# SPDX-License-Identifier: Apache-2.0
# Namespaces and the lab, as root.
$(B)/tests/lab/netns: $(B)/tests/lab/netns.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/lab/netns
SLOW += tests/lab/lab.sh
