/* infs.h: small INFs for the tests of the INF compiler. */
#ifndef REHOST_TEST_INFS_H
#define REHOST_TEST_INFS_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers-inject/windows/inf-notes.h"
#include "drivers-inject/windows/inf-version.h"

#define VERSION "[Version]\nSignature=\"$Windows NT$\"\n"       /* lines 1, 2 */

static const struct inf_target xp = { INF_X86, 5, 1, 2600, 1, 0 };
static const struct inf_target win7 = { INF_AMD64, 6, 1, 7601, 1, 0 };
static const struct inf_target win10 = { INF_AMD64, 10, 0, 19045, 1, 0 };
static const struct inf_target win11_arm = { INF_ARM64, 10, 0, 22631, 1, 0 };

static inline struct inf *parse_bytes(const void *bytes, size_t n)
{
	struct inf *f = NULL;
	struct err e = { 0 };

	if (inf_parse(bytes, n, "x.inf", &f, &e))
		fail_msg("%s", e.msg);
	return f;
}

static inline struct inf *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* text is no INF, and the sentence is this. */
static inline void refused(const char *text, int code, const char *sentence)
{
	struct inf *f = NULL;
	struct err e = { 0 };

	assert_int_equal(inf_parse(text, strlen(text), "x.inf", &f, &e), code);
	assert_string_equal(e.msg, sentence);
	assert_null(f);
}

/* The notes, one a line. */
static inline void notes_are(const struct inf_notes *notes, const char *want)
{
	char all[4000] = "";

	for (size_t i = 0; i < notes->n; i++) {
		const struct inf_note *n = &notes->v[i];
		size_t at = strlen(all);

		snprintf(all + at, sizeof all - at, "%s %s \"%s\" %s:%u\n",
			 inf_note_kind_name(n->kind), n->what, n->name, n->file, n->line);
	}
	assert_string_equal(all, want);
}

#endif
