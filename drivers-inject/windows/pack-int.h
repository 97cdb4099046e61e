/* pack-int.h: between pack.c and pack-ms.c. */
#ifndef REHOST_PACK_INT_H
#define REHOST_PACK_INT_H
#include "drivers-inject/windows/pack.h"

int pack_cab_list(int fd, const char *name, struct strv *ret, struct err *e) must_check;
int pack_cab_read(int fd, const char *name, const char *path, size_t max, uint8_t **ret,
		  size_t *ret_n, struct err *e) must_check;
/* Without "/" or "./" in front. */
const char *pack_below_top(const char *path);
/* Adds a path with its slashes turned; too long ones are left out. */
int pack_add(struct strv *list, const char *path, const char *name, struct err *e) must_check;
int pack_too_large(const char *name, const char *path, size_t max, struct err *e);
#endif
