/* said.c: what rehost-adapt wrote for people in a job, for its result (job.h). */
#include <string.h>
#include "tui/job.h"

/* The begin of the line that `at` is in. */
static const char *line_begin(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

/* The last one; NULL: none. */
static const char *find_last(const char *text, const char *what)
{
	const char *last = NULL;

	for (const char *s = text; (s = strstr(s, what)); s++)
		last = s;
	return last;
}

/* From where on it's about what was done; before it stands the plan, which was
 * shown on a page of its own. */
static const char *begin(const char *text)
{
	static const char *const done[] = { " edits made\n", "'s edits were taken back",
					    "adapt has changed nothing here" };
	static const char *const plan[] = { "\nWould the system in the image boot?",
					    "\nverdict: " };
	const char *at = NULL, *s;

	for (size_t i = 0; i < sizeof done / sizeof *done; i++)
		if ((s = strstr(text, done[i])) && (!at || s < at))
			at = s;
	for (size_t i = 0; !at && i < sizeof plan / sizeof *plan; i++)
		if ((s = find_last(text, plan[i])))
			at = s + 1;
	return at ? line_begin(text, at) : text;
}

void job_said(const char *text, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (const char *s = begin(text); *s && at + 2 < size;) {
		size_t n = strcspn(s, "\n");
		char line[1024];

		if (n < sizeof line) {  /* a longer one is no sentence */
			memcpy(line, s, n);
			line[n] = 0;
			text_copy(out + at, size - at - 1, line);
			at += strlen(out + at);
			out[at++] = '\n';
			out[at] = 0;
		}
		s += n + (s[n] == '\n');
	}
}
