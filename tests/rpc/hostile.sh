#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
exec sh "$(dirname "$0")/peers.sh" hostile
