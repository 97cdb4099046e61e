/* prompt.h: asks a person on a terminal. */
#ifndef REHOST_PROMPT_H
#define REHOST_PROMPT_H
#include <stddef.h>
#include "common/err.h"

/* 1 if a person can be asked: stderr is a terminal, and stdin is one too or
 * (stdin_busy: it carries an image) the process has a controlling terminal. */
int prompt_possible(int stdin_busy);

/* Prints text on the terminal and reads one line, without its newline; hidden:
 * what is typed isn't shown.  buf is zeroed first.  ERR_CANCELLED at the end of
 * input or an interrupt; ERR_IO without a terminal; ERR_REFUSED: it has no room in
 * buf. */
int prompt_line(const char *text, int hidden, int stdin_busy, char *buf,
		size_t size, struct err *e) must_check;
#endif
