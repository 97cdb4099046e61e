/* answer-file.h: what tells sysprep, and Windows' setup after it, its answers. */
#ifndef REHOST_WIN_ANSWER_FILE_H
#define REHOST_WIN_ANSWER_FILE_H
#include <stddef.h>
#include "common/err.h"

#define ANSWER_FILE_MAX (1u << 20)      /* bytes; large ones have 50 KB      */

/* Reads a file of this machine; *ret: malloc'd. */
int answer_file_read(const char *path, char **ret, size_t *ret_len, struct err *e) must_check;
/* An unattend.xml: well-formed XML, its outermost element <unattend>.  What stands in
 * it only Windows can judge.  ERR_USAGE says the line. */
int answer_file_check_xml(const char *name, const char *text, size_t len, struct err *e)
	must_check;
/* A sysprep.inf, of Windows up to 2003: a text with a section [Unattended]
 * or [GuiUnattended].  ERR_USAGE. */
int answer_file_check_inf(const char *name, const char *text, size_t len, struct err *e)
	must_check;
#endif
