/* test-modinfo.c: what a module file says of itself, packed or not, for any
 * machine; indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>
#include "drivers-inject/linux/modindex.h"
#include "tests/unit/modtree.h"

static const char info[] = "license=GPL\0firmware=a/b.bin\0firmware=c.fw\0firmware=a/b.bin\0"
			   "firmware=../../etc/shadow\0firmware=/etc/x\0firmware=\0firmwares=n\0vermagic=6.1";

struct bytes {
	unsigned char b[8192];
	size_t n;
};

static void put(struct bytes *o, size_t at, uint64_t v, int n, int big)
{
	for (int i = 0; i < n; i++)
		o->b[at + (size_t)(big ? n - 1 - i : i)] = (unsigned char)(v >> 8 * i);
}

/* An ELF file with three sections: none, .modinfo, the names. */
static void make_elf(struct bytes *o, int wide, int big)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	size_t at = 64, entry = wide ? 64 : 40, table;
	uint64_t where[3] = { 0, at, at + sizeof info }, size[3] = { 0, sizeof info, sizeof names };
	uint64_t name[3] = { 0, 1, 10 };

	memset(o, 0, sizeof *o);
	memcpy(o->b, "\177ELF", 4);
	o->b[4] = wide ? 2 : 1;
	o->b[5] = big ? 2 : 1;
	memcpy(o->b + at, info, sizeof info);
	memcpy(o->b + where[2], names, sizeof names);
	table = (where[2] + sizeof names + 7) & ~7ul;
	put(o, wide ? 0x28 : 0x20, table, wide ? 8 : 4, big);
	put(o, wide ? 0x3a : 0x2e, entry, 2, big);
	put(o, wide ? 0x3c : 0x30, 3, 2, big);
	put(o, wide ? 0x3e : 0x32, 2, 2, big);
	for (size_t i = 0; i < 3; i++) {
		size_t s = table + i * entry;

		put(o, s, name[i], 4, big);
		put(o, s + (wide ? 24 : 16), where[i], wide ? 8 : 4, big);
		put(o, s + (wide ? 32 : 20), size[i], wide ? 8 : 4, big);
	}
	o->n = table + 3 * entry;
}

/* module_read of bytes */
static int read_bytes(const void *bytes, size_t len, unsigned char **ret, size_t *ret_len,
		      struct err *e)
{
	int fd = memfd_create("x.ko", MFD_CLOEXEC), r;

	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	r = module_read(fd, "x.ko", ret, ret_len, e);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	close(fd);
	return r;
}

static void check_firmware(const struct bytes *packed)
{
	struct strv l = { 0 };
	struct err e = { 0 };
	unsigned char *p = NULL;
	size_t n = 0;

	assert_int_equal(read_bytes(packed->b, packed->n, &p, &n, &e), 0);
	if (module_firmware_bytes(p, n, "x.ko", &l, &e))
		fail_msg("%s", e.msg);
	free(p);
	assert_string_equal(joined(&l), "a/b.bin c.fw");
}

static void every_machine_is_read(void **state)
{
	struct bytes elf;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make_elf(&elf, i & 1, i & 2);
		check_firmware(&elf);
	}
}

static void pack_gzip(const struct bytes *in, struct bytes *out)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)in->b;
	z.avail_in = (unsigned int)in->n;
	z.next_out = out->b;
	z.avail_out = sizeof out->b;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n = z.total_out;
	deflateEnd(&z);
}

static const enum initrd_compression kinds[] = { INITRD_GZIP, INITRD_XZ, INITRD_ZSTD };

static void pack(enum initrd_compression how, const struct bytes *in, struct bytes *out)
{
	out->n = 0;
	if (how == INITRD_GZIP)
		pack_gzip(in, out);
	else if (how == INITRD_XZ)
		assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in->b, in->n,
							 out->b, &out->n, sizeof out->b), LZMA_OK);
	else
		out->n = ZSTD_compress(out->b, sizeof out->b, in->b, in->n, 3);
}

/* Cut anywhere it is an error, never a crash or half of it. */
static void every_packing_is_read(void **state)
{
	struct bytes elf, packed;

	(void)state;
	make_elf(&elf, 1, 0);
	for (size_t k = 0; k < 3; k++) {
		pack(kinds[k], &elf, &packed);
		check_firmware(&packed);
		for (size_t n = 4; n < packed.n; n++) {
			unsigned char *p = NULL;
			size_t len;
			struct err e;

			assert_int_equal(read_bytes(packed.b, n, &p, &len, &e), ERR_CORRUPT);
			assert_non_null(strstr(e.msg, "x.ko"));
			assert_null(p);
		}
	}
}

static void a_bomb_is_refused(void **state)
{
	const size_t plain = (size_t)MODULE_BYTES_MAX + (1 << 20);
	unsigned char *p = NULL, *zeros = calloc(1, plain), *out;
	size_t n, room = ZSTD_compressBound(plain);
	struct err e;

	(void)state;
	out = malloc(room);
	assert_true(zeros && out);
	n = ZSTD_compress(out, room, zeros, plain, 1);
	free(zeros);
	assert_false(ZSTD_isError(n));
	assert_int_equal(read_bytes(out, n, &p, &n, &e), ERR_UNSUPPORTED);
	assert_null(p);
	free(out);
}

/* Any one byte of the head or the section table changed. */
static void damaged_files_are_survived(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct bytes elf;

	(void)state;
	make_elf(&elf, 1, 0);
	for (size_t at = 0; at < elf.n; at++)
		for (size_t v = 0; v < sizeof values; v++) {
			unsigned char *exact = malloc(elf.n);
			struct strv l = { 0 };

			assert_non_null(exact);
			memcpy(exact, elf.b, elf.n);
			exact[at] = values[v];
			if (module_firmware_bytes(exact, elf.n, "x", &l, NULL) == 0)
				strv_done(&l);
			free(exact);
		}
	for (size_t n = 0; n < elf.n; n++) {
		unsigned char *exact = malloc(n + !n);
		struct strv l = { 0 };

		assert_non_null(exact);
		memcpy(exact, elf.b, n);
		assert_int_equal(module_firmware_bytes(exact, n, "x", &l, NULL), ERR_CORRUPT);
		free(exact);
	}
}

static void firmware_of_a_module_of_the_guest(void **state)
{
	struct bytes elf, packed;
	struct modules *m;
	struct root *root;
	struct strv l = { 0 };
	struct err e;

	(void)state;
	make_elf(&elf, 1, 0);
	pack(INITRD_XZ, &elf, &packed);
	modtree_dep("kernel/a.ko.xz:\nkernel/b.ko:\n");
	tree_bytes("guest" MODDIR "/kernel/a.ko.xz", packed.b, packed.n);
	modtree_open(&root, &m);
	assert_int_equal(modules_firmware(m, "a", &l, &e), 0);
	assert_string_equal(joined(&l), "a/b.bin c.fw");
	assert_int_equal(modules_firmware(m, "b", &l, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, MODDIR "/kernel/b.ko"));
	assert_int_equal(modules_firmware(m, "c", &l, &e), ERR_NOT_FOUND);
	modules_close(m);
	root_close(root);
}

/* The format byte for byte; tests/py/test_modules_real.py compares a whole
 * kernel's with depmod's. */
static void an_index_is_as_depmod_writes_it(void **state)
{
	static const char want[] =
		"\xb0\x07\xf4\x57\0\2\0\1\x20\0\0\x59"
		"\0\0\0\1\0\0\0\0k/ab.ko:\0"              /* 0x0c: ab */
		"\0\0\0\1\0\0\0\1k/ad.ko: k/ab.ko\0"      /* 0x1d: ad */
		"bd\x40\0\0\x0c\0\0\0\0\x40\0\0\x1d"      /* 0x36: a  */
		"_y\0\0\0\0\1\0\0\0\2k/x-y.ko:\0"         /* 0x44: x_y */
		"ax\x20\0\0\x36";                         /* 0x59: the root */
	struct strv lines = { 0 };
	unsigned char got[256];
	struct err e;
	size_t n;
	FILE *f;

	(void)state;
	assert_int_equal(strv_add(&lines, "k/ab.ko:"), 0);
	assert_int_equal(strv_add(&lines, "k/ad.ko: k/ab.ko"), 0);
	assert_int_equal(strv_add(&lines, "k/x-y.ko:"), 0);
	assert_int_equal(modindex_write_bin("dep.bin", &lines, &e), 0);
	strv_done(&lines);
	f = fopen("dep.bin", "r");
	assert_non_null(f);
	n = fread(got, 1, sizeof got, f);
	fclose(f);
	assert_int_equal(n, 0x5b + 4 * ('x' - 'a' + 1));
	assert_memory_equal(got, want, sizeof want - 1);
	assert_memory_equal(got + n - 4, "\xc0\0\0\x44", 4);
}

static void a_foreign_path_is_refused(void **state)
{
	struct mod_file files[] = { { "../../evil.ko", 0 } };
	struct modules *m;
	struct root *root;
	struct err e;

	(void)state;
	modtree_dep("kernel/a.ko:\n");
	modtree_open(&root, &m);
	assert_int_equal(mkdir("out", 0755), 0);
	assert_int_equal(modindex_make(m, files, 1, "out", &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "evil.ko"));
	assert_int_equal(rmdir("out"), 0); /* nothing is left in it */
	modules_close(m);
	root_close(root);
}

/* depmod says so and ends well; that is not good enough. */
static void a_damaged_module_is_told(void **state)
{
	struct mod_file files[] = { { "kernel/a.ko", 0 } };
	struct modules *m;
	struct root *root;
	struct err e;

	(void)state;
	modtree_dep("kernel/a.ko:\n");
	tree_text("a.ko", "no module");
	files[0].fd = open("a.ko", O_RDONLY | O_CLOEXEC);
	assert_true(files[0].fd >= 0);
	modtree_open(&root, &m);
	assert_int_equal(mkdir("out", 0755), 0);
	assert_int_equal(modindex_make(m, files, 1, "out", &e), ERR_CORRUPT);
	assert_int_equal(rmdir("out"), 0);
	close(files[0].fd);
	modules_close(m);
	root_close(root);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_machine_is_read),
		cmocka_unit_test(every_packing_is_read),
		cmocka_unit_test(a_bomb_is_refused),
		cmocka_unit_test(damaged_files_are_survived),
		cmocka_unit_test(firmware_of_a_module_of_the_guest),
		cmocka_unit_test(an_index_is_as_depmod_writes_it),
		cmocka_unit_test(a_foreign_path_is_refused),
		cmocka_unit_test(a_damaged_module_is_told),
	};

	tree_view.dev = "/dev";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
