# SPDX-License-Identifier: Apache-2.0
# The compiler's mutation score.  A sample in CI; make mutate [SAMPLE=N] for the whole.
mutate: $(B)/tests/worlds/worlds $(POLICY_TESTS) $(B)/tests/unit/policy_compile $(B)/tests/unit/policy_order
	B=$(B) nice python3 tests/mutate/mutate.py $(if $(SAMPLE),--sample $(SAMPLE))
SLOW += tests/mutate/sampled.sh
.PHONY: mutate
