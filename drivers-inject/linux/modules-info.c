/* modules-info.c: what a module says of itself: the section .modinfo of an ELF
 * file of any machine (System V ABI, chapter 4), and the firmware it names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "drivers-inject/linux/modules-private.h"

struct elf {
	const unsigned char *p;
	size_t len;
	int wide;               /* 64 bit */
	int big;                /* big-endian */
	uint64_t table;         /* of section headers */
	uint64_t count, entry;  /* headers, bytes of each */
};

struct section {
	uint64_t name, offset, size;
};

/* n bytes at off as a number; the caller has checked that they are there */
static uint64_t get(const struct elf *f, uint64_t off, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v |= (uint64_t)f->p[off + (uint64_t)i] << 8 * (f->big ? n - 1 - i : i);
	return v;
}

static int section_at(const struct elf *f, uint64_t i, struct section *ret)
{
	uint64_t off, at;

	if (mul_overflows(i, f->entry, &off) || add_overflows(off, f->table, &at) ||
	    range_outside(at, f->entry, f->len))
		return -1;
	ret->name = get(f, at, 4);
	ret->offset = f->wide ? get(f, at + 24, 8) : get(f, at + 16, 4);
	ret->size = f->wide ? get(f, at + 32, 8) : get(f, at + 20, 4);
	return 0;
}

/* Fills *f and the index of the section that holds the names. */
static int open_elf(struct elf *f, uint64_t *strings)
{
	struct section first;

	if (f->len < 64 || memcmp(f->p, "\177ELF", 4) || f->p[4] < 1 || f->p[4] > 2 ||
	    f->p[5] < 1 || f->p[5] > 2)
		return -1;
	f->wide = f->p[4] == 2;
	f->big = f->p[5] == 2;
	f->table = f->wide ? get(f, 0x28, 8) : get(f, 0x20, 4);
	f->entry = get(f, f->wide ? 0x3a : 0x2e, 2);
	f->count = get(f, f->wide ? 0x3c : 0x30, 2);
	*strings = get(f, f->wide ? 0x3e : 0x32, 2);
	if (f->entry < (f->wide ? 64 : 40) || section_at(f, 0, &first) < 0)
		return -1;
	if (!f->count) /* more than fit into 16 bits */
		f->count = first.size;
	if (*strings == 0xffff) /* SHN_XINDEX: sh_link of the first */
		*strings = get(f, f->table + (f->wide ? 40 : 24), 4);
	return *strings < f->count ? 0 : -1;
}

static int find_modinfo(struct elf *f, struct section *ret)
{
	static const char wanted[] = ".modinfo";
	struct section names, s;
	uint64_t strings, at;

	if (open_elf(f, &strings) < 0 || section_at(f, strings, &names) < 0 ||
	    range_outside(names.offset, names.size, f->len))
		return -1;
	for (uint64_t i = 0; i < f->count; i++) {
		if (section_at(f, i, &s) < 0)
			return -1;
		if (range_outside(s.name, sizeof wanted, names.size))
			continue;
		at = names.offset + s.name;
		if (memcmp(f->p + at, wanted, sizeof wanted))
			continue;
		if (range_outside(s.offset, s.size, f->len))
			return -1;
		*ret = s;
		return 0;
	}
	return -1;
}

int module_info(const unsigned char *elf, size_t len, const char *name, const char *key,
		int (*fn)(void *ctx, const char *value), void *ctx, struct err *e)
{
	struct elf f = { .p = elf, .len = len };
	const unsigned char *p, *end, *nul;
	size_t key_len = strlen(key);
	struct section s;
	int r = 0;

	if (find_modinfo(&f, &s) < 0)
		return err_set(e, ERR_CORRUPT, "%s: no kernel module, or a damaged one", name);
	p = elf + s.offset;
	end = p + s.size;
	for (; !r && p < end && (nul = memchr(p, 0, (size_t)(end - p))); p = nul + 1)
		if ((size_t)(nul - p) > key_len && !memcmp(p, key, key_len) && p[key_len] == '=')
			r = fn(ctx, (const char *)p + key_len + 1);
	return r < 0 ? r : 0;
}

struct firmware {
	struct strv list;
	struct err *e;
};

/* A name below /lib/firmware; what leads out of there is none. */
static int firmware_ok(const char *s)
{
	if (!*s || *s == '/' || strlen(s) > 255 || strstr(s, "../") || !strcmp(s, ".."))
		return 0;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return 0;
	return 1;
}

static int add_firmware(void *ctx, const char *value)
{
	struct firmware *f = ctx;

	if (!firmware_ok(value) || strv_has(&f->list, value))
		return 0;
	if (f->list.n == FIRMWARE_MAX)
		return err_set(f->e, ERR_CORRUPT, "a module names more than %d firmware files",
			       FIRMWARE_MAX);
	return strv_add(&f->list, value) < 0 ? err_set(f->e, ERR_NOMEM, "out of memory") : 0;
}

int module_firmware_bytes(const unsigned char *elf, size_t len, const char *name,
			  struct strv *ret, struct err *e)
{
	struct firmware f = { .e = e };
	int r = module_info(elf, len, name, "firmware", add_firmware, &f, e);

	if (r) {
		strv_done(&f.list);
		return r;
	}
	*ret = f.list;
	return 0;
}

int modules_firmware(const struct modules *m, const char *name, struct strv *ret,
		     struct err *e)
{
	cleanup_free unsigned char *bytes = NULL;
	cleanup_close int fd = -1;
	const char *below = modules_path(m, name);
	char path[PATH_MAX];
	size_t len;
	int r;

	if (!below || !m->root)
		return err_set(e, ERR_NOT_FOUND, "kernel %s has no module file of %s", m->version,
			       name);
	snprintf(path, sizeof path, "%s/%s", m->dir, below);
	r = root_fd(m->root, path, O_RDONLY, 0, &fd, e);
	if (!r)
		r = module_read(fd, path, &bytes, &len, e);
	return r ? r : module_firmware_bytes(bytes, len, path, ret, e);
}
