/* test-modules.c: a kernel's modules: names, aliases, dependencies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fnmatch.h>
#include "tests/unit/modtree.h"

static struct root *root;
static struct modules *m;

static int no_guest(void **state)
{
	(void)state;
	modules_close(m);
	root_close(root);
	m = NULL;
	root = NULL;
	return system("rm -rf guest");
}

static const char *match(const char *modalias)
{
	struct strv l = { 0 };

	assert_int_equal(modules_match(m, modalias, &l, NULL), 0);
	return joined(&l);
}

static const char *closure(const char *name)
{
	struct strv l = { 0 };
	struct err e = { 0 };

	if (modules_closure(m, name, &l, &e))
		return e.msg[0] ? "failed" : "";
	return joined(&l);
}

static const char *serve(const char *modalias, const char *driver)
{
	struct strv known = { 0 }, l = { 0 };

	assert_int_equal(strv_add(&known, driver), 0);
	assert_int_equal(modules_serve(m, modalias, &known, &l, NULL), 0);
	strv_done(&known);
	return joined(&l);
}

static void names_are_canonical(void **state)
{
	static const struct { const char *path, *name; } t[] = {
		{ "kernel/a/b-c.ko.zst", "b_c" }, { "virtio-blk", "virtio_blk" },
		{ "x.ko", "x" }, { "kernel/drivers/scsi/3w-9xxx.ko.xz", "3w_9xxx" },
	};
	char name[MODULE_NAME_SIZE], small[4];

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		modules_name(t[i].path, name, sizeof name);
		assert_string_equal(name, t[i].name);
	}
	modules_name("kernel/abcdefg.ko", small, sizeof small);
	assert_string_equal(small, "abc");
}

static void load_vector(void)
{
	static const char *const files[] = { "modules.dep", "modules.alias", "modules.softdep",
					     "modules.builtin", "modules.builtin.modinfo" };
	char path[PATH_MAX], buf[65536];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/tests/vectors/modules-debian12/%s",
			 getenv("REHOST_TOP") ? getenv("REHOST_TOP") : ".", files[i]);
		FILE *f = fopen(path, "r");
		assert_non_null(f);
		size_t n = fread(buf, 1, sizeof buf - 1, f);
		buf[n] = 0;
		fclose(f);
		if (i == 0)
			modtree_dep(buf);
		snprintf(path, sizeof path, "guest" MODDIR "/%s", files[i]);
		tree_bytes(path, buf, n);
	}
	modtree_open(&root, &m);
}

/* As `modprobe -R` and `modprobe --show-depends` answer on the real kernel. */
static void real_kernel_as_modprobe_sees_it(void **state)
{
	static const struct { const char *modalias, *modules; } t[] = {
		{ "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc80i00", "virtio_pci" },
		{ "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "ahci" },
		{ "pci:v00008086d00002822sv00001028sd00000001bc01sc04i00", "ahci" },
		{ "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", "nvme" },
		{ "usb:v0781p5567d0100dc00dsc00dp00ic08isc06ip50in00", "uas usb_storage" },
		{ "acpi:VMBUS:", "hv_vmbus" }, { "xen:vbd", "xen_blkfront" },
		{ "scsi:t-0x00", "sd_mod" }, { "scsi:t_0x00", "sd_mod" },
		{ "virtio:d00000002v00001AF4", "virtio_blk" },
		{ "vmbus:d96361baa104294db60572e2ffb1dc7f", "hv_storvsc" },
		{ "pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00", "" },
		{ "platform:rtc_cmos", "rtc_cmos" }, { "net-pf-1", "unix" }, { "", "" },
	};

	(void)state;
	load_vector();
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_string_equal(match(t[i].modalias), t[i].modules);
	assert_string_equal(closure("nvme"), "crct10dif_common crc64 crct10dif_pclmul "
			    "crct10dif_generic crc_t10dif crc64_rocksoft t10_pi nvme_core nvme");
	assert_string_equal(closure("virtio-scsi"),
			    "virtio_ring virtio scsi_common scsi_mod virtio_scsi");
	assert_string_equal(closure("uas"), "usb_common usbcore scsi_common scsi_mod usb_storage uas");
	assert_string_equal(closure("hv_storvsc"),
			    "hv_vmbus scsi_common scsi_mod scsi_transport_fc hv_storvsc");
	/* every softdep line counts, and what it names may be an alias */
	assert_string_equal(closure("btrfs"), "blake2b_generic sha256_ssse3 xxhash_generic "
			    "crc32c_intel crc32c_generic libcrc32c zstd_compress raid6_pq xor btrfs");
	assert_string_equal(closure("unix"), "");
	assert_string_equal(closure("nosuch"), "failed");
	assert_true(modules_builtin(m, "sha256-generic"));
	assert_false(modules_builtin(m, "nvme"));
	assert_string_equal(modules_path(m, "virtio-blk"), "kernel/drivers/block/virtio_blk.ko");
	assert_null(modules_path(m, "unix"));
	assert_string_equal(modules_version(m), "6.1.0-56-amd64");
	assert_string_equal(modules_dir(m), MODDIR);
}

static void closure_adds_to_what_is_there(void **state)
{
	struct strv l = { 0 }, all = { 0 };

	(void)state;
	load_vector();
	assert_int_equal(modules_closure(m, "virtio_blk", &l, NULL), 0);
	assert_int_equal(modules_closure(m, "virtio_scsi", &l, NULL), 0);
	assert_int_equal(modules_closure(m, "virtio_scsi", &l, NULL), 0);
	assert_int_equal(modules_closure(m, "nosuch", &l, NULL), ERR_NOT_FOUND);
	assert_string_equal(joined(&l),
			    "virtio_ring virtio virtio_blk scsi_common scsi_mod virtio_scsi");
	assert_int_equal(modules_all(m, &all, NULL), 0);
	assert_int_equal(all.n, 50);
	assert_true(strv_has(&all, "ata_piix"));
	strv_done(&all);
}

static void old_kernels(void **state)
{
	(void)state;
	/* module-init-tools: absolute paths; no modules.builtin, .softdep */
	modtree_file("kernel/drivers/scsi/sd_mod.ko", "");
	modtree_file("kernel/drivers/scsi/scsi-mod.ko", "");
	modtree_dep("/lib/modules/2.6.18-8.el5/kernel/drivers/scsi/sd_mod.ko: "
		    "/lib/modules/2.6.18-8.el5/kernel/drivers/scsi/scsi-mod.ko\n"
		    "/lib/modules/2.6.18-8.el5/kernel/drivers/scsi/scsi-mod.ko:\n");
	modtree_file("modules.alias", "alias block-major-8-* sd_mod\n");
	modtree_open(&root, &m);
	assert_string_equal(modules_path(m, "scsi_mod"), "kernel/drivers/scsi/scsi-mod.ko");
	assert_string_equal(closure("sd_mod"), "scsi_mod sd_mod");
	/* no alias for SCSI devices: known by name */
	assert_string_equal(match("scsi:t-0x00"), "");
	assert_string_equal(serve("scsi:t-0x00", "sd_mod"), "sd_mod");
	assert_string_equal(serve("scsi:t-0x00", "nosuch"), "");
}

/* A driver that speaks of other devices of the bus has lost this one's id. */
static void known_drivers_need_their_ids(void **state)
{
	(void)state;
	modtree_dep("kernel/megaraid_sas.ko.xz:\nkernel/mptsas.ko.xz:\n");
	modtree_file("modules.alias", "alias pci:v00001000d0000005Bsv*sd*bc*sc*i* megaraid_sas\n");
	modtree_file("modules.builtin", "kernel/drivers/ata/ata_piix.ko\n");
	modtree_open(&root, &m);
	assert_string_equal(serve("pci:v00001000d00000060sv0sd0bc01sc04i00", "megaraid_sas"), "");
	assert_string_equal(serve("pci:v00001000d0000005Bsv0sd0bc01sc04i00", "x"), "megaraid_sas");
	assert_string_equal(serve("pci:v00008086d00007010sv0sd0bc01sc01i80", "ata-piix"), "ata_piix");
	assert_string_equal(serve("pci:v00001000d00000054sv0sd0bc01sc00i00", "mptsas"), "mptsas");
}

static void what_leads_out_is_no_module(void **state)
{
	static const char *const bad[] = {
		"../x.ko", "a/../x.ko", "a/..", "/etc/x.ko", "a/./x.ko", "a//x.ko", "x", "x.ko.bz2",
		"a/$(id).ko", "a/x y.ko", "a/`x`.ko", "a/\"x.ko", "a/x\\.ko", "a/.ko", "", "a/x.ko/y",
		"a/\x80x.ko", "a/x'.ko", "a/x;.ko",
		"a/a234567890123456789012345678901234567890123456789012345678901234567890.ko",
	};
	struct strv l = { 0 };
	char text[4096] = "kernel/good.ko:\n";

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(modules_path_ok(bad[i]));
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s:\n", bad[i]);
	}
	assert_true(modules_path_ok("kernel/a..b/x-1.ko.gz"));
	modtree_file("modules.dep", text);
	modtree_file("kernel/good.ko", "");
	modtree_open(&root, &m);
	assert_int_equal(modules_all(m, &l, NULL), 0);
	assert_string_equal(joined(&l), "good");
}

static void missing_files_are_no_drivers(void **state)
{
	struct strv l = { 0 };
	struct err e;

	(void)state;
	modtree_dep("kernel/a.ko: kernel/b.ko\nkernel/b.ko:\nkernel/c.ko:\n");
	modtree_file("modules.alias", "alias pci:* b\nalias pci:* c\nalias pci:* gone\n");
	modtree_file("kernel/b.ko", NULL);
	modtree_open(&root, &m);
	assert_null(modules_path(m, "b"));
	assert_string_equal(match("pci:1"), "c");
	assert_int_equal(modules_closure(m, "a", &l, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "module b"));
	assert_int_equal(l.n, 0);
}

static void soft_dependencies(void **state)
{
	(void)state;
	modtree_dep("k/a.ko:\nk/b.ko: k/gone.ko\nk/c.ko:\nk/d.ko:\nk/e.ko:\nk/f.ko: k/e.ko k/gone.ko\n");
	modtree_file("modules.alias", "alias wanted-thing d\nalias wanted_thing c\n");
	modtree_file("modules.softdep",
		     "# comment\nsoftdep a pre: nosuch b f wanted-thing post: e\nsoftdep a post: c-c\n"
		     "softdep c pre: a\nsoftdep\nsoftdep d\n");
	modtree_open(&root, &m);
	/* b and f need what is gone: they and what came for them stay away,
	 * and c, which wants a, closes a circle */
	assert_string_equal(closure("a"), "d c a e");
	assert_string_equal(closure("c"), "d a e c");
	assert_string_equal(closure("f"), "failed");
}

static void circles_and_long_chains_end(void **state)
{
	char *text = malloc(200000), *p = text;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 2000; i++)
		p += sprintf(p, "k/m%d.ko: k/m%d.ko\n", i, i + 1);
	p += sprintf(p, "k/m2000.ko:\nk/x.ko: k/y.ko\nk/y.ko: k/x.ko\n");
	modtree_dep(text);
	free(text);
	modtree_open(&root, &m);
	assert_string_equal(closure("x"), "y x");
	assert_string_equal(closure("m1990"), "m2000 m1999 m1998 m1997 m1996 m1995 m1994 m1993 "
			    "m1992 m1991 m1990");
	struct strv l = { 0 };
	struct err e;
	assert_int_equal(modules_closure(m, "m0", &l, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "modules.dep"));
}

static void patterns_are_those_of_fnmatch(void **state)
{
	static const char parts[][6] = { "a", "b", "c", "*", "?", "[ab]", "[!a]", "[a-b]", "[]a]", "[" };
	unsigned int seed = 1, matched = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char pattern[64] = "", text[16] = "";

		for (int k = rand_r(&seed) % 7; k > 0; k--)
			strcat(pattern, parts[(unsigned)rand_r(&seed) % 9]);
		for (int k = rand_r(&seed) % 7; k > 0; k--)
			strncat(text, &"abc]"[(unsigned)rand_r(&seed) % 4], 1);
		int want = fnmatch(pattern, text, 0) == 0;
		if (modules_glob(pattern, text) != want)
			fail_msg("'%s' on '%s': fnmatch says %d", pattern, text, want);
		matched += (unsigned)want;
	}
	assert_true(matched > 10000 && matched < 190000);
	assert_true(modules_glob("a-b_*", "a_b-c"));
	assert_false(modules_glob("[-]", "_"));
	assert_true(modules_glob("a[b", "a[b"));
	assert_true(modules_glob("\\*", "*"));
	assert_false(modules_glob("\\*", "x"));
	/* a matcher that tries everything would be at it for ages */
	char text[2000];
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = 0;
	assert_false(modules_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void no_modules_is_an_error_that_says_so(void **state)
{
	struct err e;

	(void)state;
	modtree_file("modules.alias", "");
	assert_int_equal(root_open("guest", &root, &e), 0);
	assert_int_equal(modules_open(root, MODDIR, &m, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, MODDIR));
	assert_non_null(strstr(e.msg, "modules.dep"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_canonical),
		cmocka_unit_test_teardown(real_kernel_as_modprobe_sees_it, no_guest),
		cmocka_unit_test_teardown(closure_adds_to_what_is_there, no_guest),
		cmocka_unit_test_teardown(old_kernels, no_guest),
		cmocka_unit_test_teardown(known_drivers_need_their_ids, no_guest),
		cmocka_unit_test_teardown(what_leads_out_is_no_module, no_guest),
		cmocka_unit_test_teardown(missing_files_are_no_drivers, no_guest),
		cmocka_unit_test_teardown(soft_dependencies, no_guest),
		cmocka_unit_test_teardown(circles_and_long_chains_end, no_guest),
		cmocka_unit_test(patterns_are_those_of_fnmatch),
		cmocka_unit_test_teardown(no_modules_is_an_error_that_says_so, no_guest),
	};

	tree_view.dev = "/dev";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
