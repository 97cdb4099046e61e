/* log.c: see log.h. */
#include "tui/log.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;

void log_open(const char *dir)
{
	char path[4096];

	if (snprintf(path, sizeof path, "%s/wizard.log", dir) < (int)sizeof path)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

void log_text(const char *s, size_t n)
{
	while (log_fd >= 0 && n) {
		ssize_t k = write(log_fd, s, n);

		if (k <= 0)
			return; /* a full disk must not stop a job */
		s += k;
		n -= (size_t)k;
	}
}

void log_line(const char *fmt, ...)
{
	char buf[4400];
	time_t now = time(NULL);
	struct tm tm;
	size_t at = 0;
	va_list ap;
	int n;

	if (localtime_r(&now, &tm))
		at = strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S ", &tm);
	va_start(ap, fmt);
	n = vsnprintf(buf + at, sizeof buf - at - 1, fmt, ap);
	va_end(ap);
	at += n < 0 ? 0 : (size_t)n < sizeof buf - at - 1 ? (size_t)n : sizeof buf - at - 2;
	buf[at++] = '\n';
	log_text(buf, at);
}
