# SPDX-License-Identifier: Apache-2.0
# The page in a real browser, before a real lab, signing in, and before a made-up cluster of 3,000 workloads behind a real relay.
SLOW += tests/ui/page.sh tests/ui/access.sh tests/ui/scale.sh
TEST_NEEDS += $(B)/weir $(B)/weir-agent $(B)/weir-relay $(B)/tests/relay/fake_agent
