# A thin front for meson: see HACKING.md.
#
#   make            build the command and the library in build/
#   make deps       install every package that building and testing need
#   make demo       a virtual network, watched, with the page (DEMO_SECONDS=60 ends by itself)
#   make check      all tests
#   make check-asan the system tests with a sanitized build (TESTS=tests/test_lab.py for some)
#   make bench      measurements against other tools, as ratios
#   make fuzz       every fuzz target for FUZZ_SECONDS (60) each
#   make lint       static analysis, layers, formatting, scripts, manual pages
#   make format     rewrite the sources in the house style
#   make install    DESTDIR= and prefix= (/usr/local) as usual

prefix ?= /usr/local
export FUZZ_SECONDS ?= 60
TESTS ?= tests
# as tools/check has it
ASAN = -Db_sanitize=address,undefined -Dpage=false -Doptimization=1 -Dc_args=-g1

.PHONY: all deps demo check check-asan bench fuzz lint format install clean

all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@meson setup build

deps:
	@tools/install-deps

demo: deps
	@$(MAKE) --no-print-directory all
	@tools/demo

check: deps
	@tools/check

check-asan:
	@[ -d build-asan ] || meson setup build-asan $(ASAN)
	@meson configure build-asan $(ASAN)
	@ninja -C build-asan
	@SONDE_BUILD=$(CURDIR)/build-asan /usr/bin/python3 -m pytest -q -p no:cacheprovider -n 3 $(TESTS)

bench: all
	@tools/bench

fuzz:
	@tools/fuzz

lint: all
	@tools/lint

format:
	@tools/format

install: build/build.ninja
	@meson configure build -Dprefix=$(abspath $(prefix))
	@ninja -C build
	@meson install -C build --no-rebuild

clean:
	rm -rf build build-asan build-fuzz
