/* test-boot: the firmware's boot list through a fake efibootmgr; images of GRUB
 * and programs of UEFI that lie about themselves; names on an ESP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drivers-inject/linux/efi.h"
#include "drivers-inject/linux/nvram.h"

#define GUID "c12a7328-1111-2222-3333-444455556666"

static char here[PATH_MAX];

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
	chmod(path, mode);
}

static void read_text(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(ret, 1, size - 1, f) : 0;

	ret[n] = 0;
	if (f)
		fclose(f);
}

/* efibootmgr -v prints ./list; --create and --delete-bootnum change it and note
 * their arguments in ./calls; ./broken: it fails. */
static int make_fake(void **state)
{
	static char path[2 * PATH_MAX];
	char dir[] = "boot-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_non_null(getcwd(here, sizeof here));
	mkdir("bin", 0755);
	mkdir("efivars", 0755);
	put("bin/efibootmgr",
	    "#!/bin/sh\n"
	    "[ ! -e broken ] || { echo 'No space left on device' >&2; exit 5; }\n"
	    "[ \"$1\" != -v ] || { cat list; exit 0; }\n"
	    "echo \"$*\" >> calls\n"
	    "case $1 in\n"
	    "--create) printf 'Boot0007* %s\\tHD(1,GPT," GUID ",0x800,0x20000)/File(%s)\\n' \"$9\" \"$7\" >> list ;;\n"
	    "--delete-bootnum) grep -v \"^Boot$3\" list > new; mv new list ;;\n"
	    "esac\n", 0755);
	put("list", "BootCurrent: 0001\nBootOrder: 0001\n"
	    "Boot0001* debian\tHD(1,GPT,c12a7328-9999-2222-3333-444455556666,0x800,0x20000)/File(\\EFI\\debian\\shimx64.efi)\n"
	    "Boot0002* Windows Boot Manager\tHD(1,GPT," GUID ",0x800,0x20000)/File(\\EFI\\Microsoft\\Boot\\bootmgfw.efi)\n",
	    0644);
	snprintf(path, sizeof path, "%s/bin:%s", here, getenv("PATH"));
	setenv("PATH", path, 1);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	return chdir("..");
}

/* What the planner sees. */
struct world {
	struct volume v[1];
	struct volumes volumes;
	struct lin l;
	struct hw target;
	struct lin_wishes w;
	struct root *root;
	struct boot b;
	struct esp s;
	struct efi_loader loader;
};

static struct world *world_new(const char *partuuid)
{
	struct world *x = calloc(1, sizeof *x);
	struct err e;

	assert_non_null(x);
	assert_int_equal(root_open(here, &x->root, &e), 0);
	x->v[0] = (struct volume){ .type = "vfat", .disk = 0, .part = 1, .parent = -1 };
	snprintf(x->v[0].partuuid, sizeof x->v[0].partuuid, "%s", partuuid);
	x->volumes = (struct volumes){ .v = x->v, .n = 1, .n_disks = 1 };
	snprintf(x->volumes.disk[0].path, sizeof x->volumes.disk[0].path, "/dev/disk");
	x->l = (struct lin){ .root = x->root, .volumes = &x->volumes, .id = "debian",
			     .esp_volume = x->v };
	x->w = (struct lin_wishes){ .target = &x->target, .nvram = 1 };
	x->b = (struct boot){ .l = &x->l, .w = &x->w, .p = plan_new(x->root) };
	x->s = (struct esp){ &x->b, efi_arch_find("x86_64"), x->v, "/boot/efi" };
	x->loader = (struct efi_loader){ "debian", "shimx64.efi", EFI_SHIM, 6 };
	return x;
}

static void world_free(struct world *x)
{
	plan_free(x->b.p);
	root_close(x->root);
	free(x);
}

static void entry_is_made_once(void **state)
{
	struct world *x = world_new(GUID), *again = world_new(GUID), *other = world_new(GUID);
	char text[4096];
	struct edit *d;
	struct err e;

	(void)state;
	assert_int_equal(efi_nvram_plan(&x->s, &x->loader, "efivars", &e), 0);
	assert_int_equal(x->b.p->n, 1);
	d = &x->b.p->v[0];
	assert_int_equal(d->kind, EDIT_ACTION);
	assert_true(d->optional);
	assert_string_equal(d->data, "efi-entry " GUID " \\EFI\\debian\\shimx64.efi debian");
	assert_int_equal(access("calls", F_OK), -1);
	assert_int_equal(d->act(d->ctx, 0, &e), 0);
	read_text("calls", text, sizeof text);
	assert_string_equal(text, "--create --disk /dev/disk --part 1 --loader "
			    "\\EFI\\debian\\shimx64.efi --label debian\n");

	assert_int_equal(efi_nvram_plan(&again->s, &again->loader, "efivars", &e), 0);
	assert_int_equal(again->b.p->n, 0);
	assert_int_equal(again->b.p->warnings.n, 0);

	assert_int_equal(lin_nvram_undo(d->data, &e), 0);
	read_text("list", text, sizeof text);
	assert_null(strstr(text, "Boot0007"));
	assert_non_null(strstr(text, "Boot0001"));
	assert_non_null(strstr(text, "Boot0002"));
	/* gone already: nothing to take back */
	assert_int_equal(lin_nvram_undo(d->data, &e), 0);
	assert_int_equal(lin_nvram_undo("efi-entry x", &e), ERR_CORRUPT);

	assert_int_equal(efi_nvram_plan(&other->s, &other->loader, "efivars", &e), 0);
	assert_int_equal(other->b.p->n, 1);
	world_free(x);
	world_free(again);
	world_free(other);
}

static void entry_of_an_mbr_disk(void **state)
{
	struct world *x = world_new("1abd15c0-01");
	struct err e;

	(void)state;
	put("list", "Boot0003* x\tHD(1,MBR,0x1abd15c0,0x800,0x20000)/\\EFI\\DEBIAN\\SHIMX64.EFI\n", 0644);
	assert_int_equal(efi_nvram_plan(&x->s, &x->loader, "efivars", &e), 0);
	assert_int_equal(x->b.p->n, 0);
	world_free(x);
}

static void entry_that_fails_is_said(void **state)
{
	struct world *x = world_new(GUID), *y = world_new(GUID), *z = world_new("");
	struct err e;

	(void)state;
	assert_int_equal(efi_nvram_plan(&x->s, &x->loader, "efivars", &e), 0);
	assert_int_equal(x->b.p->n, 1);
	put("broken", "", 0644);
	assert_int_equal(x->b.p->v[0].act(x->b.p->v[0].ctx, 0, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "No space left on device"));
	assert_non_null(strstr(e.msg, "\\EFI\\debian\\shimx64.efi"));
	assert_int_equal(efi_nvram_plan(&y->s, &y->loader, "efivars", &e), 0);
	assert_int_equal(y->b.p->n, 0);
	assert_non_null(strstr(y->b.p->warnings.v[0], "No space left on device"));
	unlink("broken");
	assert_int_equal(efi_nvram_plan(&z->s, &z->loader, "efivars", &e), 0);
	assert_int_equal(z->b.p->n, 0);
	assert_int_equal(z->b.p->warnings.n, 1);
	/* this machine wasn't started by UEFI */
	assert_int_equal(efi_nvram_plan(&z->s, &z->loader, "nothing", &e), 0);
	assert_int_equal(z->b.p->warnings.n, 2);
	world_free(x);
	world_free(y);
	world_free(z);
}

/* ---- images that lie ---- */

static void hostile_core(void **state)
{
	uint8_t core[2048] = { 0 };
	struct grub_content c;
	struct err e;

	(void)state;
	assert_int_equal(grub_core_content(core, 100, &c, &e), ERR_CORRUPT);
	assert_int_equal(grub_core_content(core, sizeof core, &c, &e), ERR_CORRUPT);
	memset(core + 512 + 8, 0xff, 4);        /* packed: 4 GB */
	core[512 + 12] = 1;
	assert_int_equal(grub_core_content(core, sizeof core, &c, &e), ERR_CORRUPT);
	memset(core + 512 + 8, 0, 4);
	core[512 + 8] = 100;
	memset(core + 512 + 12, 0xff, 4);       /* unpacked: 4 GB */
	assert_int_equal(grub_core_content(core, sizeof core, &c, &e), ERR_CORRUPT);
	memset(core + 512 + 12, 0, 4);
	core[512 + 12] = 200;
	memset(core + 512 + 16, 0xff, 4);       /* more for repair than there is */
	assert_int_equal(grub_core_content(core, sizeof core, &c, &e), ERR_CORRUPT);
}

/* Lists of blocks that point nowhere, at themselves, at too much. */
static void hostile_blocks(void **state)
{
	static const uint8_t lists[][12] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0 },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 1, 0 },
		{ 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff },
		{ 7, 0, 0, 0, 0, 0, 0, 0, 2, 0 },
		{ 0 },
	};
	uint8_t disk[8 * 512], *core;
	struct blkdev *d;
	struct err e;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		memset(disk, 0, sizeof disk);
		memcpy(disk + 1024 - 12, lists[i], 12);
		assert_int_equal(dev_mem(disk, sizeof disk, 0, &d, &e), 0);
		assert_int_equal(grub_core_read(d, 1, &core, &len, &e), ERR_CORRUPT);
		dev_close(d);
	}
	/* as many lists as fit, each of one sector: ends at the code before them */
	memset(disk + 512, 0, 512);
	for (int at = 1024 - 12; at >= 512 + 0x160; at -= 12)
		disk[at] = disk[at + 8] = 1;
	assert_int_equal(dev_mem(disk, sizeof disk, 0, &d, &e), 0);
	assert_int_equal(grub_core_read(d, 1, &core, &len, &e), 0);
	assert_int_equal(len, 512 * (1 + (512 - 0x160) / 12));
	free(core);
	dev_close(d);
}

static void programs(void **state)
{
	uint8_t pe[1024] = "MZ";

	(void)state;
	assert_int_equal(efi_kind(pe, 100, NULL), EFI_NONE);
	assert_int_equal(efi_kind(pe, sizeof pe, NULL), EFI_OTHER);
	memcpy(pe + 600, "UEFI SHIM\n$Version: 15.8", 24);
	assert_int_equal(efi_kind(pe, sizeof pe, NULL), EFI_SHIM);
	memset(pe + 0x3c, 0xff, 4);             /* headers at 4 GB */
	assert_int_equal(efi_kind(pe, sizeof pe, NULL), EFI_SHIM);
	memcpy(pe + 0x3c, "\x80\0\0", 4);
	memcpy(pe + 0x80, "PE\0\0", 4);
	memset(pe + 0x86, 0xff, 2);             /* 65535 sections */
	assert_false(efi_has_section(pe, sizeof pe, ".linux"));
	memcpy(pe + 0x80 + 24, ".linux\0", 8);
	assert_int_equal(efi_kind(pe, sizeof pe, NULL), EFI_UKI);
	memset(pe + 0x94, 0xff, 2);             /* an optional header that is too long */
	assert_false(efi_has_section(pe, sizeof pe, ".linux"));
	assert_null(efi_arch_find("s390x"));
	assert_string_equal(efi_arch_find("aarch64")->fallback, "BOOTAA64.EFI");
}

static void names(void **state)
{
	char path[PATH_MAX], way[PATH_MAX];
	struct root *r;
	struct err e;

	(void)state;
	mkdir("esp", 0755);
	mkdir("esp/efi", 0755);
	mkdir("esp/efi/Debian", 0755);
	put("esp/efi/Debian/GRUBX64.EFI", "", 0644);
	assert_non_null(realpath(".", way));
	assert_int_equal(root_open(way, &r, &e), 0);
	assert_true(esp_path(r, "/esp", "EFI/debian/grubx64.efi", path));
	assert_string_equal(path, "/esp/efi/Debian/GRUBX64.EFI");
	assert_false(esp_path(r, "/esp", "EFI/DEBIAN/none/b.efi", path));
	assert_string_equal(path, "/esp/efi/Debian/none/b.efi");
	root_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entry_is_made_once, make_fake, leave),
		cmocka_unit_test_setup_teardown(entry_of_an_mbr_disk, make_fake, leave),
		cmocka_unit_test_setup_teardown(entry_that_fails_is_said, make_fake, leave),
		cmocka_unit_test(hostile_core),
		cmocka_unit_test(hostile_blocks),
		cmocka_unit_test(programs),
		cmocka_unit_test_setup_teardown(names, make_fake, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
