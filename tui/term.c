/* term.c: see term.h.  One terminal, as curses has one: no handle. */
#define NCURSES_WIDECHAR 1
#include "tui/term.h"
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static SCREEN *screen;
static bool redraw;

/* Keys as terminals send them, whatever terminfo says of their type: serial
 * consoles rarely are what TERM claims. */
static void define_keys(void)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = {
		{ "\033[A", KEY_UP }, { "\033OA", KEY_UP }, { "\033[B", KEY_DOWN },
		{ "\033OB", KEY_DOWN }, { "\033[C", KEY_RIGHT }, { "\033OC", KEY_RIGHT },
		{ "\033[D", KEY_LEFT }, { "\033OD", KEY_LEFT }, { "\033[H", KEY_HOME },
		{ "\033OH", KEY_HOME }, { "\033[1~", KEY_HOME }, { "\033[7~", KEY_HOME },
		{ "\033[F", KEY_END }, { "\033OF", KEY_END }, { "\033[4~", KEY_END },
		{ "\033[8~", KEY_END }, { "\033[3~", KEY_DC }, { "\033[5~", KEY_PPAGE },
		{ "\033[6~", KEY_NPAGE }, { "\033[Z", KEY_BTAB }, { "\033OP", KEY_F(1) },
		{ "\033[11~", KEY_F(1) }, { "\033[[A", KEY_F(1) },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		define_key(keys[i].bytes, keys[i].key);
}

static void setup(void)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(100);      /* a slow serial line still gets its arrows */
	define_keys();
}

int term_open(struct err *e)
{
	const char *type = getenv("TERM");

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return err_set(e, ERR_USAGE, "The terminal type '%s' isn't known; set "
			       "TERM=vt100, which nearly all terminals understand.",
			       type ? type : "");
	setup();
	return 0;
}

void term_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void term_size(int *ret_rows, int *ret_cols)
{
	struct winsize ws = { 0 };

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col &&
	    (ws.ws_row != getmaxy(stdscr) || ws.ws_col != getmaxx(stdscr))) {
		resizeterm(ws.ws_row, ws.ws_col);
		redraw = true;
	}
	getmaxyx(stdscr, *ret_rows, *ret_cols);
}

static attr_t attributes(uint8_t a)
{
	return (a & CELL_BOLD ? A_BOLD : 0) | (a & CELL_REVERSE ? A_REVERSE : 0) |
	       (a & CELL_UNDERLINE ? A_UNDERLINE : 0);
}

/* The cells of a row from x on that share their attributes. */
static int paint_run(const struct canvas *c, int y, int x)
{
	const struct cell *row = c->c + y * c->cols;
	wchar_t s[2048];
	int n = 0, at = x;

	for (; at < c->cols && row[at].attr == row[x].attr && n < 2047; at++)
		if (row[at].ch)
			s[n++] = (wchar_t)row[at].ch;
	attrset(attributes(row[x].attr));
	mvaddnwstr(y, x, s, n);
	return at;
}

void term_paint(const struct canvas *c)
{
	for (int y = 0; y < c->rows; y++)
		for (int x = 0; x < c->cols;)
			x = paint_run(c, y, x);
	attrset(A_NORMAL);
	curs_set(c->cy >= 0);
	if (c->cy >= 0)
		move(c->cy, c->cx);
	else
		move(c->rows - 1, c->cols - 1);
	if (redraw)
		clearok(stdscr, TRUE);
	redraw = false;
	refresh();
}

void term_beep(void)
{
	beep();
}

/* Named keys; KEY_CODE_YES. */
static bool named(wint_t ch, enum wiz_ev *ret)
{
	static const struct {
		wint_t key;
		enum wiz_ev ev;
	} keys[] = {
		{ KEY_UP, EV_UP }, { KEY_DOWN, EV_DOWN }, { KEY_LEFT, EV_LEFT },
		{ KEY_RIGHT, EV_RIGHT }, { KEY_PPAGE, EV_PGUP }, { KEY_NPAGE, EV_PGDN },
		{ KEY_HOME, EV_HOME }, { KEY_FIND, EV_HOME }, { KEY_END, EV_END },
		{ KEY_SELECT, EV_END }, { KEY_ENTER, EV_NEXT }, { KEY_BTAB, EV_BACKTAB },
		{ KEY_BACKSPACE, EV_ERASE }, { KEY_DC, EV_DELETE },
		{ KEY_F(1), EV_HELP },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i].key == ch) {
			*ret = keys[i].ev;
			return true;
		}
	return false;
}

static enum wiz_ev typed(wint_t ch)
{
	switch (ch) {
	case '\r':
	case '\n':
		return EV_NEXT;
	case '\t':
		return EV_TAB;
	case 27:
		return EV_BACK;
	case 3:
		return EV_QUIT;
	case 8:
	case 127:
		return EV_ERASE;
	case 21:
		return EV_KILL;
	default:
		return EV_CHAR;
	}
}

/* After an ESC: the rest of a sequence that no key has is dropped, so that it
 * neither goes back nor ends up in a field. */
static bool drop_sequence(void)
{
	wint_t ch;

	if (get_wch(&ch) == ERR)
		return false;
	if (ch != '[' && ch != 'O') {
		unget_wch((wchar_t)ch);
		return false;
	}
	while (get_wch(&ch) == OK && (ch < 0x40 || ch > 0x7e))
		;
	return true;
}

bool term_key(enum wiz_ev *ret_ev, int *ret_arg)
{
	wint_t ch;

	for (;;) {
		int rc = get_wch(&ch);

		if (rc == ERR)
			return false;
		*ret_arg = 0;
		if (rc == KEY_CODE_YES) {
			if (named(ch, ret_ev))
				return true;
			continue;
		}
		*ret_ev = typed(ch);
		*ret_arg = (int)ch;
		if (ch == 27 && drop_sequence())
			continue;
		if (ch == 12)
			redraw = true;
		else if (*ret_ev != EV_CHAR || ch >= ' ')
			return true;
	}
}

/* In the child: the signals as a program expects them (the wizard ignores
 * some, and ignored ones stay so through exec: Ctrl-C would stop nothing). */
static void become(const char *const *argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int term_run(const char *const *argv)
{
	int st = -1;
	pid_t pid;

	curs_set(1);
	clear();
	refresh();
	endwin();
	pid = fork();
	if (pid == 0)
		become(argv);
	if (pid > 0)
		while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
			;
	/* a shell that was killed leaves the terminal to its own group */
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	setup();
	redraw = true;
	return pid > 0 ? st : -1;
}
