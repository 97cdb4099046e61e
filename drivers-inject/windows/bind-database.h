/* bind-database.h: binding by DriverDatabase, and the names of CDDB's keys. */
#ifndef REHOST_WIN_BIND_DATABASE_H
#define REHOST_WIN_BIND_DATABASE_H
#include "drivers-inject/windows/bind.h"

/* Fills *m, whose filters stay as they are. */
void win_bind_database(const struct win *w, const struct win_device *d, struct win_match *m);
/* The key of an id in a set's CriticalDeviceDatabase. */
void win_critical_key(char ret[WIN_KEY_MAX], const char *set, const char *id);
#endif
