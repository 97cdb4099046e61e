# libimager: devices, partitions, file-system readers, the format, the engine
LIB_LIST += imager
imager_SRCS := $(filter-out imager/main.c imager/cmd-%.c,$(wildcard imager/*.c imager/dev/*.c imager/part/*.c imager/fs/*.c imager/container/*.c imager/fmt/*.c imager/store/*.c))
ifneq ($(wildcard imager/main.c),)
PROG_LIST += rehost
endif
rehost_SRCS := $(wildcard imager/main.c imager/cmd-*.c)
rehost_LIBS := imager common
rehost_PKGS := $(PKGS)
