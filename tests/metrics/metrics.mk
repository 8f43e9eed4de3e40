# SPDX-License-Identifier: Apache-2.0
# Metrics from outside: promtool, Prometheus, a receiver of OTLP.
TEST_NEEDS += $(B)/weir-agent $(B)/weir
QUICK += tests/metrics/rules.sh
SLOW += tests/metrics/live.py
