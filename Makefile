# Rehost: build, test, live system.
#
#   make help      every target, one line each
#   make demo      a real machine captured through the wizard, restored, booted (QEMU)
#   make check     every test; the last line is "N passed, N failed"
#
# Options: B=DIR (build directory), CACHE=DIR (packages and build roots kept
# between builds), CC, CFLAGS, SAN=1 (ASan + UBSan, in $(B)/san), V=1 (show
# commands), PREFIX, DESTDIR, DEPS=0 (do not look for missing packages).
#
# Each folder adds its own part in FOLDER/rules.mk: programs and libraries in
# LIB_LIST / PROG_LIST with NAME_SRCS, NAME_LIBS, NAME_PKGS, NAME_LDLIBS (what has
# no pkg-config file), targets with a "## text" comment for `make help`.

B ?= build
CACHE ?= cache
PREFIX ?= /usr/local
CC ?= gcc
CFLAGS ?= -O2 -g
Q := $(if $(V),,@)
export LC_ALL := C
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

VERSION := 0.1
SRCDIR := $(CURDIR)

override CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DREHOST_VERSION='"$(VERSION)"'
override CFLAGS += -std=gnu17 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wpointer-arith -Wwrite-strings -fno-strict-aliasing -pthread -MMD -MP
ifdef SAN
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
endif
override LDFLAGS += -pthread

# What the C code links; `make deps` provides them.
PKGS := libzstd zlib liblzma liblz4 libcrypto libcryptsetup libsodium libxxhash json-c libparted ext2fs com_err libntfs-3g blkid fuse3 libpci hivex libarchive libmspack expat ncursesw
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $$(PKGS)))$(PKG_CFLAGS)
override CPPFLAGS += $(PKG_CFLAGS)

LIB_LIST :=
PROG_LIST :=
include common/rules.mk imager/rules.mk drivers-inject/rules.mk tui/rules.mk
include rootfs/rules.mk initramfs/rules.mk iso/rules.mk
include tests/rules.mk qemu-tests/rules.mk

.PHONY: help deps all install FORCE clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | sort | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

deps: ## install what is missing (apt), saying what and why
	$(Q)[ "$(DEPS)" = 0 ] || common/deps.sh

all: deps ## the three programs
	$(Q)$(MAKE) --no-print-directory programs

programs: $(patsubst %,$(B)/%,$(PROG_LIST))
.PHONY: programs

install: all ## PREFIX=/usr/local, DESTDIR=
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(patsubst %,$(B)/%,$(PROG_LIST)) $(DESTDIR)$(PREFIX)/bin/
	$(if $(wildcard docs/man/*.1),install -m 644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/)

clean: ## remove the build directory (the package cache stays)
	rm -rf $(B)

$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D); echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/.flags: FORCE
	@mkdir -p $(B); f='$(CC) $(CPPFLAGS) $(CFLAGS)'; [ "$$f" = "$$(cat $@ 2>&-)" ] || echo "$$f" >$@

# lib(NAME,SOURCES): a static library $(B)/NAME.a
define lib
OBJS += $$(patsubst %.c,$$(B)/%.o,$(2))
$$(B)/$(1).a: $$(patsubst %.c,$$(B)/%.o,$(2))
	@mkdir -p $$(@D); echo "  AR   $$@"; rm -f $$@
	$$(Q)$$(AR) rcsD $$@ $$^
endef
# prog(NAME,SOURCES,LIBRARIES,PKGCONFIG,LDLIBS): a program $(B)/NAME
define prog
OBJS += $$(patsubst %.c,$$(B)/%.o,$(2))
$$(B)/$(1): $$(patsubst %.c,$$(B)/%.o,$(2)) $(3)
	@echo "  LD   $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(shell pkg-config --libs $(4)) $(5)
endef

$(foreach l,$(LIB_LIST),$(eval $(call lib,$(l),$($(l)_SRCS))))
$(foreach p,$(PROG_LIST),$(eval $(call prog,$(p),$($(p)_SRCS),$(patsubst %,$(B)/%.a,$($(p)_LIBS)),$($(p)_PKGS),$($(p)_LDLIBS))))
-include $(OBJS:.o=.d)
