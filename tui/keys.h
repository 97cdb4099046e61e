/* keys.h: what can happen to the wizard, as events without any terminal. */
#ifndef REHOST_TUI_KEYS_H
#define REHOST_TUI_KEYS_H

enum wiz_ev {
	EV_UP, EV_DOWN, EV_PGUP, EV_PGDN, EV_HOME, EV_END, EV_LEFT, EV_RIGHT,
	EV_NEXT,      /* Enter */
	EV_BACK,      /* Esc */
	EV_TAB, EV_BACKTAB,
	EV_CHAR,      /* arg: a Unicode character */
	EV_ERASE,     /* Backspace */
	EV_DELETE,
	EV_KILL,      /* Ctrl-U: empty the field */
	EV_HELP,      /* F1 */
	EV_QUIT,      /* Ctrl-C */
	EV_TICK,      /* a second has passed */
	EV_COUNT,
};
#endif
