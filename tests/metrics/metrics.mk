# SPDX-License-Identifier: Apache-2.0
# Metrics from outside: promtool, Prometheus, a receiver of OTLP.
TEST_NEEDS += $(B)/weir-agent $(B)/weir
QUICK += tests/metrics/rules.sh
TEST_NEEDS += $(B)/tests/api/gen/.done $(B)/weir-relay
SLOW += tests/metrics/live.py tests/metrics/otlp.py tests/metrics/otlp_tls.py
