/* strv.h: a list of strings that it owns. */
#ifndef REHOST_STRV_H
#define REHOST_STRV_H
#include <stdarg.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t n;
};

/* Copies s to the end; 0, or -1 when out of memory (the list stays as it
 * was). */
int strv_add(struct strv *l, const char *s);
/* Printed and added, if it isn't there yet; out of memory: lost. */
void strv_addf(struct strv *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void strv_vaddf(struct strv *l, const char *fmt, va_list ap);
int strv_has(const struct strv *l, const char *s);
void strv_sort(struct strv *l);         /* by bytes                           */
void strv_sort_versions(struct strv *l);/* 6.9 before 6.10                    */
void strv_done(struct strv *l);         /* frees the contents                 */

#endif
