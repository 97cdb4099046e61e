# qemu-tests: whole machines under QEMU (docs/TESTING.md).
#
# Options: T="names" (only these test files), K=TEXT (only tests whose name has
# TEXT in it), LAB_ACCEL=tcg|kvm (default: what works), LAB_PATIENCE=N (3).
PYTHON3 := /usr/bin/python3
lab_env = LAB_LOGS='$(B)/qemu-tests' LAB_CACHE='$(CACHE)' LAB_ISO='$(B)/rehost.iso' \
	LAB_ADAPT='$(B)/rehost-adapt' LAB_NTFS_TOOL='$(B)/qemu-tests/ntfs-tool' \
	LAB_INITRD_TOOL='$(B)/tests/tools/initrdtool' LAB_BOOTPLAN='$(B)/tests/tools/bootplan' \
	LAB_MAP_DUMP='$(B)/tests/tools/map-dump'
lab_pytest = COLUMNS=250 $(lab_env) $(PYTHON3) -m pytest -p no:cacheprovider -q -rfEs --tb=short $(if $(K),-k '$(K)')
CHECK_QEMU += check-qemu
lab_tools := $(B)/qemu-tests/ntfs-tool $(B)/tests/tools/initrdtool $(B)/tests/tools/bootplan $(B)/tests/tools/map-dump \
	$(B)/rehost-adapt

OBJS += $(B)/qemu-tests/ntfs/ntfs-tool.o
$(B)/qemu-tests/ntfs-tool: $(B)/qemu-tests/ntfs/ntfs-tool.o
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libntfs-3g libcrypto)

.PHONY: demo run qemu-tests qemu-matrix qemu-v2v qemu-v2v-windows check-qemu
demo: deps ## a real machine captured through the wizard, restored, booted
	$(Q)$(lab_env) $(PYTHON3) qemu-tests/demo.py --out '$(B)/demo' \
		--make "$(MAKE) --no-print-directory DEPS=0 B='$(B)' CACHE='$(CACHE)' iso"

run: deps iso ## the live system in this terminal, with an empty disk
	$(Q)$(lab_env) $(PYTHON3) qemu-tests/run.py --out '$(B)/run'

qemu-tests: deps iso $(lab_tools) ## every test under QEMU (hours without KVM)
	$(Q)$(lab_pytest) $(if $(T),$(T),qemu-tests)

# ROW=TEXT, TARGET=TEXT: only cells with that in their names; MATRIX="--all --jobs 3":
# all 140, not the usual 43, and more options of matrix.py.  Cells that are done stay
# in $(B)/adapt-matrix/cells
qemu-matrix: deps iso $(B)/rehost-adapt ## real guests x other hardware, adapted and booted (hours)
	$(Q)$(lab_env) $(PYTHON3) qemu-tests/matrix.py --out '$(B)/adapt-matrix' \
		--doc docs/ADAPT-MATRIX.md --row '$(ROW)' --target '$(TARGET)' $(MATRIX)

qemu-v2v: deps $(B)/rehost-adapt ## rehost adapt and virt-v2v-in-place on the same disk (an hour)
	$(Q)$(lab_env) $(PYTHON3) qemu-tests/v2v.py --out '$(B)/v2v' --doc docs/ADAPT-V2V.md

qemu-v2v-windows: deps $(B)/rehost-adapt ## the same with Windows-like disks (an hour)
	$(Q)$(lab_env) $(PYTHON3) qemu-tests/v2v_windows.py --out '$(B)/v2v-windows' \
		--doc docs/ADAPT-V2V-WINDOWS.md

check-qemu: deps iso $(lab_tools)
	$(Q)$(lab_pytest) -m smoke qemu-tests
