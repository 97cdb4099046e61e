# tests: `make check` and what it is made of.
#
# tests/unit/test-X.c     cmocka; linked with every library of the tree
# tests/cli/t-X.sh        shell, uses the built programs
# tests/py/test_X.py      pytest
# tests/fuzz/X/           fuzz.c (LLVMFuzzerTestOneInput) and corpus/
# tests/tools/X.c         small programs that tests use: $(B)/tests/tools/X
# A line "rehost-test: san" in a t-X.sh: it also runs over the ASan + UBSan build;
# "rehost-test: san only": in `make check` over that build alone (`make check-plain`).
#
# qemu-tests/rules.mk names in CHECK_QEMU the targets that `make check` runs
# beside the other tests, each counted as one test.
# Options: CHECK_JOBS=3 (tests at a time: some wait), K=TEXT (only tests whose name has TEXT in it),
# FUZZ_SECONDS=60, FUZZ="names" (default all), BENCH="options of tests/bench/run.py".

CHECK_JOBS ?= 3
FUZZ_SECONDS ?= 60
CHECK_QEMU ?=

unit_tests := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test-*.c))
test_tools := $(patsubst %.c,$(B)/%,$(wildcard tests/tools/*.c))
fuzz_names := $(patsubst tests/fuzz/%/fuzz.c,%,$(wildcard tests/fuzz/*/fuzz.c))
fuzz_bins := $(patsubst %,$(B)/tests/fuzz/%/fuzz,$(fuzz_names))
fuzz_main := $(if $(FUZZ_ENGINE),,$(B)/tests/fuzz/replay.o)
test_libs = $(patsubst %,$(B)/%.a,$(LIB_LIST))
OBJS += $(patsubst %,%.o,$(unit_tests) $(test_tools) $(fuzz_bins)) $(B)/tests/fuzz/replay.o

# $(1): the packages besides PKGS
link_test = $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(test_libs) -Wl,--end-group \
	$$(pkg-config --libs $(PKGS) $(1)) $(foreach p,$(PROG_LIST),$($(p)_LDLIBS))

$(unit_tests): %: %.o $(test_libs)
	@echo "  LD   $@"
	$(Q)$(call link_test,cmocka)
$(test_tools): %: %.o $(test_libs)
	@echo "  LD   $@"
	$(Q)$(call link_test)
$(fuzz_bins): %: %.o $(fuzz_main) $(test_libs)
	@echo "  LD   $@"
	$(Q)$(call link_test) $(FUZZ_ENGINE)
# else make would remove them as intermediate files
.SECONDARY: $(patsubst %,%.o,$(unit_tests) $(test_tools) $(fuzz_bins))

.PHONY: test-programs check check-build check-asan check-plain lint fuzz fuzz-run
test-programs: $(unit_tests) $(test_tools) $(fuzz_bins) programs

# as many at a time as tests, unless make was told another number
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(CHECK_JOBS))
check-build:
	$(Q)$(MAKE) --no-print-directory $(jobs) test-programs
	$(Q)$(MAKE) --no-print-directory $(jobs) SAN=1 B=$(B)/san test-programs

# SPECs of tests/run: name=program [arguments]
unit_specs = $(foreach t,$(unit_tests),'$(1)$(notdir $(t))=$(B)$(2)/tests/unit/$(notdir $(t))')
fuzz_specs = $(foreach t,$(fuzz_names),'$(1)fuzz-$(t)=$(B)$(2)/tests/fuzz/$(t)/fuzz $(CURDIR)/tests/fuzz/$(t)/corpus')
cli_tests := $(wildcard tests/cli/t-*.sh)
cli_san := $(shell grep -l 'rehost-test: san' $(cli_tests) /dev/null)
cli_san_only := $(shell grep -l 'rehost-test: san only' $(cli_tests) /dev/null)
cli_specs = $(foreach t,$(2),'$(1)$(basename $(notdir $(t)))=$(t)')
py_tests := $(wildcard tests/py/test_*.py)

check: deps ## every test; the last line is "N passed, N failed"
	$(Q)$(MAKE) --no-print-directory check-build
	$(Q)tests/run -b $(B) -j $(CHECK_JOBS) $(if $(K),-k '$(K)') \
		'lint=tests/lint.sh' \
		$(call unit_specs) $(call cli_specs,,$(filter-out $(cli_san_only),$(cli_tests))) $(py_tests) \
		$(call unit_specs,san-,/san) $(call fuzz_specs,san-,/san) \
		$(foreach t,$(cli_san),'san-$(basename $(notdir $(t)))=tests/lib/with-san.sh $(t)') \
		$(foreach t,$(CHECK_QEMU),'$(t)=!$(MAKE) --no-print-directory DEPS=0 B=$(B) CACHE=$(CACHE) $(t)')

check-asan: deps ## the unit and command tests over the ASan + UBSan build
	$(Q)$(MAKE) --no-print-directory SAN=1 B=$(B)/san test-programs
	$(Q)tests/run -b $(B)/san -j $(CHECK_JOBS) $(if $(K),-k '$(K)') \
		$(call unit_specs,,/san) $(call fuzz_specs,,/san) $(call cli_specs,,$(cli_tests)) $(py_tests)

check-plain: deps ## the command tests that `make check` runs over the ASan + UBSan build alone
	$(Q)$(MAKE) --no-print-directory test-programs
	$(Q)tests/run -b $(B) -j $(CHECK_JOBS) $(if $(K),-k '$(K)') $(call cli_specs,,$(cli_san_only))

lint: deps ## shellcheck, layering, sizes of files and functions
	$(Q)tests/lint.sh

bench: deps ## speed against partclone, ntfsclone, fsarchiver, qemu-img, zstd: BENCH="--runs 5" (run.py --help)
	$(Q)[ "$(DEPS)" = 0 ] || common/deps.sh tests/bench.deps
	$(Q)$(MAKE) --no-print-directory programs $(B)/tests/tools/ntfs-fill
	$(Q)tests/bench/run.py --build $(B) $(BENCH)
.PHONY: bench

# N disks of each file system of FS (default all), drawn from SEED; those that this build
# has done stay in $(B)/fs-matrix/cells; FS_MATRIX="options of tests/matrix/fs.py"
N ?= 20
SEED ?= 1
fs-matrix: deps ## random disks of every file system, captured and restored (an hour; root): N=20 FS="ext4 xfs" SEED=1
	$(Q)$(MAKE) --no-print-directory programs
	$(Q)tests/matrix/fs.py --build $(B) --out $(B)/fs-matrix --doc docs/FS-MATRIX.md \
		--n $(N) --seed $(SEED) $(FS) $(FS_MATRIX)
.PHONY: fs-matrix

SWEEP ?= 1
crash-sweep: deps ## adapting Windows stopped at every write, in four ways (an hour): SWEEP=N every N-th
	$(Q)$(MAKE) --no-print-directory programs $(B)/tests/tools/ntfs-hashes $(B)/tests/tools/ntfs-fill
	$(Q)REHOST_SWEEP=$(SWEEP) TEST_TIMEOUT=20000 tests/run -b $(B) -j 1 tests/py/test_adapt_windows_crash.py
.PHONY: crash-sweep

adapt-sweep: deps ## every Windows-like disk adapted to every target, 12 INFs of each kind; `make check` takes fewer
	$(Q)$(MAKE) --no-print-directory programs $(B)/tests/tools/winject $(B)/tests/tools/ntfs-fill
	$(Q)REHOST_SWEEP=1 TEST_TIMEOUT=20000 tests/run -b $(B) -j 1 tests/py/test_adapt_windows.py tests/py/test_winject.py
.PHONY: adapt-sweep

KILLS ?= 1000
kill-sweep: deps ## captures and restores stopped at random (half an hour): KILLS=N of each, SEED=N
	$(Q)$(MAKE) --no-print-directory programs $(B)/tests/tools/imgtool $(B)/tests/unit/test-restore
	$(Q)REHOST_SWEEP=1 REHOST_KILLS=$(KILLS) $(if $(SEED),REHOST_SEED=$(SEED)) TEST_TIMEOUT=20000 \
		tests/run -b $(B) -j 1 'test-restore=$(B)/tests/unit/test-restore' tests/cli/t-restore-kill.sh \
		tests/cli/t-resume.sh
.PHONY: kill-sweep

FLIPS ?= 2000
flip-sweep: deps ## images with one bit flipped, verified and salvaged (ten minutes): FLIPS=N so many
	$(Q)$(MAKE) --no-print-directory programs
	$(Q)REHOST_FLIPS=$(FLIPS) TEST_TIMEOUT=20000 tests/run -b $(B) -j 1 tests/py/test_salvage.py
.PHONY: flip-sweep

FAULTS ?= 1000
fault-sweep: deps ## every command while its files fail (forty minutes): FAULTS=N runs, SEED=N, FAULT="case / file / ..." one
	$(Q)$(MAKE) --no-print-directory programs $(B)/tests/tools/imgtool
	$(Q)REHOST_FAULTS=$(FAULTS) $(if $(FAULT),REHOST_FAULT='$(FAULT)') REHOST_SEED=$(SEED) TEST_TIMEOUT=80000 \
		tests/run -b $(B) -j 1 tests/py/test_fault_sweep.py
.PHONY: fault-sweep

FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
fuzz: deps ## libFuzzer over every parser, CHECK_JOBS at a time: FUZZ_SECONDS=60 FUZZ="names"
	$(Q)[ "$(DEPS)" = 0 ] || common/deps.sh tests/fuzz.deps
	$(Q)$(MAKE) --no-print-directory -k -j$(CHECK_JOBS) CC=clang B=$(B)/fuzz FUZZ_ENGINE=-fsanitize=fuzzer \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link $(FUZZ_SAN)' LDFLAGS='$(FUZZ_SAN)' fuzz-run
FUZZ ?= $(fuzz_names)
fuzz-run: $(addprefix fuzz-run/,$(FUZZ))
# one target; what it said is in $(B)/NAME.log, what it found beside it
fuzz-run/%: export ASAN_OPTIONS = clear_shadow_mmap_threshold=1073741824:suppressions=$(CURDIR)/tests/asan.supp
fuzz-run/%: export LSAN_OPTIONS = print_suppressions=0:suppressions=$(CURDIR)/tests/lsan.supp
fuzz-run/%: $(B)/tests/fuzz/%/fuzz
	$(Q)mkdir -p $(B)/corpus/$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=1024 -artifact_prefix=$(B)/$*- \
		$(B)/corpus/$* tests/fuzz/$*/corpus >$(B)/$*.log 2>&1 || \
		{ echo "fuzz-$*: FAILED, $(B)/$*.log:"; tail -n 60 $(B)/$*.log; exit 1; }
	$(Q)echo "fuzz-$*: $$(sed -n 's/^Done //p' $(B)/$*.log), $$(sed -n 's/.*DONE *\(cov: [0-9]*\).*/\1/p' $(B)/$*.log)"
