# libinject: guests' file systems, registry, detection; rehost-adapt
LIB_LIST += inject
inject_SRCS := $(filter-out drivers-inject/main.c,$(wildcard drivers-inject/*.c drivers-inject/*/*.c))
PROG_LIST += rehost-adapt
rehost-adapt_SRCS := drivers-inject/main.c
rehost-adapt_LIBS := inject imager common
rehost-adapt_PKGS := $(PKGS)
# bzip2 has no pkg-config file everywhere
rehost-adapt_LDLIBS := -lbz2
