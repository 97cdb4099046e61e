LIB_LIST += common
common_SRCS := $(wildcard common/*.c)
