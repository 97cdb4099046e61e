/* prompt.c: see prompt.h. */
#include "common/prompt.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "common/cleanup.h"

int prompt_possible(int stdin_busy)
{
	cleanup_close int fd = -1;

	if (!isatty(2))
		return 0;
	if (!stdin_busy)
		return isatty(0);
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	return fd >= 0;
}

/* One line from fd; ERR_CANCELLED at its end. */
static int read_line(int fd, char *buf, size_t size, struct err *e)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t k = read(fd, &c, 1);

		if (k <= 0)
			return err_set(e, ERR_CANCELLED, "no answer was given");
		if (c == '\n')
			break;
		if (n + 1 < size)
			buf[n] = c;
		n++;
	}
	if (n + 1 > size)
		return err_set(e, ERR_REFUSED, "what was typed is too long: an answer has at most %zu bytes", size - 1);
	buf[n] = 0;
	return 0;
}

int prompt_line(const char *text, int hidden, int stdin_busy, char *buf,
		size_t size, struct err *e)
{
	cleanup_close int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	int in = stdin_busy ? tty : 0, out = tty >= 0 ? tty : 2, r;
	struct termios old, quiet;

	memset(buf, 0, size);
	if (in < 0 || !isatty(in))
		return err_set(e, ERR_IO, "there is no terminal to ask on");
	if (write(out, text, strlen(text)) < 0)
		return err_sys(e, errno, "writing to the terminal");
	if (hidden && tcgetattr(in, &old) == 0) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(in, TCSAFLUSH, &quiet);
		r = read_line(in, buf, size, e);
		tcsetattr(in, TCSAFLUSH, &old);
		if (write(out, "\n", 1) < 0)
			return err_sys(e, errno, "writing to the terminal");
		return r;
	}
	return read_line(in, buf, size, e);
}
