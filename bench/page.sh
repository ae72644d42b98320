#!/bin/sh
# How soon the page stands on the screen with 1,000 hosts and 24 h of history.
exec node "$(dirname "$0")/../page/bench.mjs"
