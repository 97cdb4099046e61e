/* test-tree-fat: files of FAT12, 16 and 32 made by mkfs.fat and mtools, found and
 * read; damaged chains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/cleanup.h"
#include "drivers-inject/tree.h"
#include "imager/fs/fat.h"

__attribute__((format(printf, 1, 2))) static void sh(const char *fmt, ...)
{
	char cmd[2048] = "PATH=$PATH:/sbin:/usr/sbin MTOOLS_SKIP_CHECK=1; export PATH MTOOLS_SKIP_CHECK; ";
	size_t n = strlen(cmd);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof cmd - n, fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail_msg("%s", cmd);
}

struct vol {
	char path[32];
	uint8_t *bytes;
	size_t size;
	struct blkdev *dev;
	struct tree *tree;
};

#define BIG 300001u

/* Two files that share the free room by turns, names of all kinds. */
static void fill(struct vol *v)
{
	const char *f = v->path;

	sh("head -c %u /dev/urandom > big", BIG);
	sh("mmd -i %s ::/EFI ::/EFI/Microsoft ::/EFI/Microsoft/Boot ::/empty", f);
	sh("mcopy -i %s big ::/hole; mcopy -i %s big ::/EFI/a; mdel -i %s ::/hole; "
	   "head -c 90000 big | mcopy -i %s - ::/EFI/b; mdel -i %s ::/EFI/a", f, f, f, f, f);
	sh("mcopy -i %s big ::/EFI/Microsoft/Boot/bootmgfw.efi", f);
	sh("mcopy -i %s big '::/EFI/A long name, with more than one entry.Txt'", f);
	sh("LC_ALL=C.UTF-8 mcopy -i %s big '::/EFI/Gr\xc3\xb6\xc3\x9f" "e \xe4\xb8\xad.bin'", f);
	sh(": | mcopy -i %s - ::/nothing", f);
	sh("i=0; while [ $i -lt 70 ]; do i=$((i + 1)); mmd -i %s \"::/empty/directory number $i\"; done", f);
}

static void load(struct vol *v, size_t size)
{
	FILE *f = fopen(v->path, "r");
	struct err e = { 0 };

	v->size = size;
	v->bytes = malloc(size);
	assert_non_null(f);
	assert_int_equal(fread(v->bytes, 1, size, f), size);
	fclose(f);
	if (dev_mem(v->bytes, size, 1, &v->dev, &e) || tree_open(v->dev, &v->tree, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(v->tree->ops->name, "fat");
}

static void make(struct vol *v, const char *options, size_t size)
{
	strcpy(v->path, "fatvol-XXXXXX");
	close(mkstemp(v->path));
	sh("truncate -s %zu %s; mkfs.fat %s %s >/dev/null", size, v->path, options, v->path);
	fill(v);
	sh("fsck.fat -n %s >/dev/null", v->path);
	load(v, size);
}

static void done(struct vol *v)
{
	tree_close(v->tree);
	dev_close(v->dev);
	free(v->bytes);
	unlink(v->path);
	unlink("big");
}

static void same_as_big(struct vol *v, const char *path)
{
	cleanup_free char *got = NULL, *want = malloc(BIG);
	struct tree_node n;
	FILE *f = fopen("big", "r");
	struct err e = { 0 };
	size_t len;

	assert_non_null(f);
	assert_int_equal(fread(want, 1, BIG, f), BIG);
	fclose(f);
	if (tree_head(v->tree, path, 1u << 20, &got, &len, &e) || tree_find(v->tree, path, &n, &e))
		fail_msg("%s: %s", path, e.msg);
	assert_int_equal(len, BIG);
	assert_memory_equal(got, want, BIG);
	/* the same by where it lies */
	for (uint64_t off = 0, at, more; off < BIG; off += more) {
		if (tree_where(v->tree, &n, off, &at, &more, &e))
			fail_msg("%s: %s", path, e.msg);
		assert_true(more && more <= BIG - off);
		assert_memory_equal(v->bytes + at, want + off, more);
	}
	assert_int_equal(tree_where(v->tree, &n, BIG, &(uint64_t){ 0 }, &(uint64_t){ 0 }, &e), ERR_CORRUPT);
}

static void files(const char *options, size_t size)
{
	struct vol v;
	struct strv names = { 0 };
	struct tree_node n;
	struct err e = { 0 };

	make(&v, options, size);
	same_as_big(&v, "/EFI/Microsoft/Boot/bootmgfw.efi");
	same_as_big(&v, "/efi/MICROSOFT/boot/BOOTMGFW.EFI");
	same_as_big(&v, "/EFI/MICROS~1/Boot/bootmgfw.efi");
	same_as_big(&v, "/EFI/a LONG name, with more than one entry.txt");
	same_as_big(&v, "/EFI/Größe 中.bin");
	assert_true(tree_has(v.tree, "/nothing", TREE_FILE));
	assert_true(tree_has(v.tree, "/EFI/Microsoft/../../nothing", TREE_FILE));
	assert_int_equal(tree_find(v.tree, "/EFI/a", &n, &e), ERR_NOT_FOUND);
	assert_int_equal(tree_find(v.tree, "/EFI/b/x", &n, &e), ERR_NOT_FOUND);
	assert_int_equal(tree_list(v.tree, "/EFI", &names, &e), 0);
	assert_int_equal(names.n, 4);
	assert_string_equal(names.v[0], "A long name, with more than one entry.Txt");
	assert_string_equal(names.v[1], "Größe 中.bin");
	assert_string_equal(names.v[2], "Microsoft");
	assert_string_equal(names.v[3], "b");
	strv_done(&names);
	assert_int_equal(tree_list(v.tree, "/empty", &names, &e), 0);
	assert_int_equal(names.n, 70);
	strv_done(&names);
	assert_int_equal(v.tree->dirty, 0);
	done(&v);
}

static void fat12(void **state)
{
	(void)state;
	files("-F 12 -s 8 -r 64", 8u << 20);
}

static void fat16(void **state)
{
	(void)state;
	files("-F 16 -s 4", 16u << 20);
}

static void fat32(void **state)
{
	(void)state;
	files("-F 32 -s 1", 40u << 20);
}

/* ---- damage ---- */

/* Sets the first FAT's entry of cluster c (FAT32). */
static void set_next(struct vol *v, uint32_t c, uint32_t next)
{
	struct fat f;
	struct err e;
	le32 value = le32_make(next);

	assert_int_equal(fat_load(v->dev, &f, NULL, &e), 0);
	memcpy(v->bytes + f.fat_start + 4 * c, &value, 4);
}

static void damaged_chains(void **state)
{
	static const uint32_t bad[] = { 0, 1, 0x0ffffff7, 0x00f00000 };
	struct vol v;
	struct tree_node n, dir;
	struct strv names = { 0 };
	struct err e = { 0 };
	char *text;

	(void)state;
	make(&v, "-F 32 -s 1", 40u << 20);
	assert_int_equal(tree_find(v.tree, "/EFI/Microsoft/Boot/bootmgfw.efi", &n, &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		set_next(&v, (uint32_t)n.id, bad[i]);
		assert_int_equal(tree_head(v.tree, "/EFI/Microsoft/Boot/bootmgfw.efi", BIG, &text, NULL, &e),
				 ERR_CORRUPT);
		assert_non_null(strstr(e.msg, "fsck.fat"));
	}
	/* too short */
	set_next(&v, (uint32_t)n.id, 0x0fffffff);
	assert_int_equal(tree_head(v.tree, "/EFI/Microsoft/Boot/bootmgfw.efi", BIG, &text, NULL, &e),
			 ERR_CORRUPT);
	/* a directory that leads into itself ends; one that leads nowhere is told */
	assert_int_equal(tree_find(v.tree, "/empty", &dir, &e), 0);
	set_next(&v, (uint32_t)dir.id, (uint32_t)dir.id);
	assert_int_equal(tree_find(v.tree, "/empty/no such name", &n, &e), ERR_NOT_FOUND);
	set_next(&v, (uint32_t)dir.id, 7u << 20);
	assert_int_equal(tree_list(v.tree, "/empty", &names, &e), ERR_CORRUPT);
	done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fat12), cmocka_unit_test(fat16), cmocka_unit_test(fat32),
		cmocka_unit_test(damaged_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
