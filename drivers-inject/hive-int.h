/* hive-int.h: what hive.c, hive-find.c and hive-edit.c, the files that know libhivex,
 * share. */
#ifndef REHOST_HIVE_INT_H
#define REHOST_HIVE_INT_H
#include <hivex.h>
#include "drivers-inject/hive.h"

/* The keys below one: hive-find.c. */
struct hive_table {
	hive_node_h parent;     /* 0: none                                   */
	hive_node_h *keys;
	uint32_t *hashes;       /* of their names                            */
	size_t n;
};

#define HIVE_TABLES 8u
struct hive_tables {
	struct hive_table v[HIVE_TABLES];
	size_t next;
};

struct hive {
	hive_h *h;
	char *name;
	int dirty;
	int has_li;             /* see regf-tree.h                           */
	int failed;             /* libhivex stopped in the middle of a change */
	struct hivelog_result replay;
	struct err problem;     /* code 0: nothing was tried, or it worked   */
	struct strv changes;
	struct hive_tables *tables;     /* also of a hive that is only read  */
};

/* The name by which libhivex opens a descriptor. */
void hive_fd_path(int fd, char ret[40]);
/* regf_tidy() over the hive in fd. */
int hive_tidy(int fd, const char *name, int *ret_has_li, struct err *e) must_check;
/* Before a key is made or removed: handles of others may come to stand for it. */
void hive_forget(const struct hive *h);
/* 0 when there is no such key or value. */
hive_node_h hive_find_child(const struct hive *h, hive_node_h node, const char *name);
hive_node_h hive_find_key(const struct hive *h, const char *path);
hive_value_h hive_find_value(const struct hive *h, const char *key, const char *value);

#endif
