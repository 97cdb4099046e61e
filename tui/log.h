/* log.h: the wizard's own log: what it did, what its children wrote to stderr.
 * No secrets come here: credentials are never in an argument vector. */
#ifndef REHOST_TUI_LOG_H
#define REHOST_TUI_LOG_H
#include <stddef.h>

/* Opens DIR/wizard.log to append to; without it nothing is logged. */
void log_open(const char *dir);
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As it is. */
void log_text(const char *s, size_t n);
#endif
