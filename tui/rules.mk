# The wizard: a pure library (libtui) and the program with the terminal in it
LIB_LIST += tui
tui_prog := tui/main.c tui/app.c tui/unattended.c tui/term.c tui/child.c tui/log.c
tui_SRCS := $(filter-out $(tui_prog),$(wildcard tui/*.c))
PROG_LIST += rehost-wizard
rehost-wizard_SRCS := $(tui_prog)
rehost-wizard_LIBS := tui common
rehost-wizard_PKGS := ncursesw json-c
