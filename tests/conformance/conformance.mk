# SPDX-License-Identifier: Apache-2.0
# make conformance [DATA=DIR]: every suite by every judge.
conformance: all
	@B=$(B) DATA=$(or $(DATA),../shared/conformance) sh tests/conformance/conformance.sh
SLOW += tests/conformance/quick.sh
.PHONY: conformance
