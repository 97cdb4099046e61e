/* test-apply.c: a plan's edits are made, a failing one takes all back, an undo
 * leaves the tree byte for byte as it was.  find(1) and sha256sum(1) judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "drivers-inject/apply.h"
#include "drivers-inject/journal.h"

static char dir[] = "/tmp/test-apply-XXXXXX";
static char fstab[100];
static int has_xattrs;
static struct root *root;

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
}

/* Every name, type, mode, time (not of directories), link and content. */
static char *picture(void)
{
	char cmd[1000];
	FILE *f;
	char *buf = calloc(1, 1 << 16);

	snprintf(cmd, sizeof cmd,
		 "cd %s && { find . ! -type d -printf '%%P %%y %%m %%s %%T@ %%l\\n'; "
		 "find . -type d -printf '%%P %%m\\n'; find . -type f -exec sha256sum {} +; "
		 "} | sort", dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_true(fread(buf, 1, (1 << 16) - 1, f) > 0);
	pclose(f);
	return buf;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	sh("cd %s && mkdir -p etc boot var/lib usr/lib && ln -s usr/lib lib && "
	   "echo old >etc/fstab && chmod 640 etc/fstab && touch -d '2001-02-03 04:05:06.789' etc/fstab && "
	   "echo gone >etc/gone && ln -s fstab etc/link && printf 'initramfs' >boot/initrd && "
	   "touch -d '2002-02-03 04:05:06' boot/initrd etc/gone", dir);
	assert_int_equal(root_open(dir, &root, NULL), 0);
	snprintf(fstab, sizeof fstab, "%s/etc/fstab", dir);
	has_xattrs = !setxattr(fstab, "user.rehost", "\1\2\3", 3, 0);
	return 0;
}

/* where the file system has none, there is nothing to keep */
static void check_xattr(void)
{
	char value[8];

	if (has_xattrs) {
		assert_int_equal(getxattr(fstab, "user.rehost", value, sizeof value), 3);
		assert_memory_equal(value, "\1\2\3", 3);
	}
}

static int teardown(void **state)
{
	(void)state;
	root = root_close(root);
	sh("rm -rf %s", dir);
	return 0;
}

static int fill_good(void *ctx, int fd, struct err *e)
{
	(void)ctx;
	(void)e;
	return write(fd, "SEGMENT", 7) == 7 ? 0 : -1;
}

static int fill_bad(void *ctx, int fd, struct err *e)
{
	(void)ctx;
	(void)fd;
	return err_set(e, ERR_NOT_FOUND, "no such module");
}

static int act_bad(void *ctx, int undo, struct err *e)
{
	(void)ctx;
	(void)undo;
	return err_set(e, ERR_IO, "the firmware says no");
}

static int act_good(void *ctx, int undo, struct err *e)
{
	(void)ctx;
	(void)undo;
	(void)e;
	return 0;
}

static char undone[100];

static int undo_action(void *ctx, const char *data, struct err *e)
{
	(void)ctx;
	(void)e;
	snprintf(undone, sizeof undone, "%s", data);
	return 0;
}

static struct plan *make_plan(edit_fill fill)
{
	struct plan *p = plan_new(root);
	struct edit *d;

	assert_int_equal(plan_write(p, "/etc/link", "new\n", 4, NULL, "Because."), 0);
	assert_int_equal(plan_write(p, "/etc/systemd/network/10-x.link", "x\n", 2, NULL, "New."), 0);
	assert_int_equal(plan_write(p, "/lib/x", "y\n", 2, NULL, "Through a link."), 0);
	assert_int_equal(plan_remove(p, "/etc/gone", NULL, "Not wanted."), 0);
	assert_int_equal(plan_link(p, "/etc/mask", "/dev/null", NULL, "Masked."), 0);
	d = plan_add(p, EDIT_APPEND, "/boot/initrd", "Drivers.");
	assert_non_null(d);
	d->fill = fill;
	return p;
}

static void check_text(const char *path, const char *want)
{
	char *text;

	assert_int_equal(root_read(root, path, 1000, &text, NULL, NULL), 0);
	assert_string_equal(text, want);
	free(text);
}

static void test_apply_undo(void **state)
{
	struct plan *p = make_plan(fill_good);
	char *before = picture(), *after;
	struct undo_result u;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(p->n, 6);
	assert_string_equal(p->v[0].path, "/etc/fstab");
	assert_string_equal(p->v[2].path, "/usr/lib/x");
	assert_int_equal(plan_apply(p, NULL, &e), 0);
	check_text("/etc/fstab", "new\n");
	check_text("/etc/systemd/network/10-x.link", "x\n");
	assert_false(root_exists(root, "/etc/gone"));
	assert_int_equal(root_stat(root, "/etc/fstab", &st, NULL), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	check_xattr();
	/* 9 bytes, 3 zeros to a multiple of 4, the segment */
	assert_int_equal(root_stat(root, "/boot/initrd", &st, NULL), 0);
	assert_int_equal(st.st_size, 19);
	plan_free(p);
	/* the same plan again has nothing left to do, but for the append */
	p = make_plan(fill_good);
	assert_int_equal(p->n, 1);
	plan_free(p);
	assert_int_equal(adapt_undo(root, NULL, &u, &e), 0);
	assert_int_equal(u.runs, 1);
	assert_int_equal(u.files, 6);
	assert_int_equal(u.kept.n, 0);
	after = picture();
	assert_string_equal(before, after);
	check_xattr();
	free(before);
	free(after);
}

static void test_failing_fill(void **state)
{
	struct plan *p = make_plan(fill_bad);
	char *before = picture(), *after;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(plan_apply(p, NULL, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "nothing was changed"));
	after = picture();
	assert_string_equal(before, after);
	plan_free(p);
	free(before);
	free(after);
}

static void test_failing_edit(void **state)
{
	struct plan *p = make_plan(fill_good);
	char *before = picture(), *after;
	struct err e = { 0 };
	struct edit *d = plan_add(p, EDIT_ACTION, "NVRAM", "Entry.");

	(void)state;
	d->act = act_bad;
	assert_int_equal(plan_apply(p, NULL, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "the firmware says no; everything was put back"));
	after = picture();
	assert_string_equal(before, after);
	/* an optional one is only a warning */
	d->optional = 1;
	assert_int_equal(plan_apply(p, NULL, &e), 0);
	assert_int_equal(p->warnings.n, 1);
	check_text("/etc/fstab", "new\n");
	plan_free(p);
	free(before);
	free(after);
}

/* What is no file, a boot entry of the firmware: named as the firmware does. */
static void test_action(void **state)
{
	struct apply_host host = { .undo_action = undo_action };
	struct plan *p = make_plan(fill_good);
	struct edit *d = plan_add(p, EDIT_ACTION, "\\EFI\\debian\\shimx64.efi", "Entry.");
	char *before = picture(), *after;
	struct undo_result u;

	(void)state;
	d->act = act_good;
	d->data = strdup("entry 1");
	d->len = 7;
	assert_int_equal(plan_apply(p, NULL, NULL), 0);
	plan_free(p);
	assert_int_equal(adapt_undo(root, &host, &u, NULL), 0);
	assert_int_equal(u.kept.n, 0);
	assert_string_equal(undone, "entry 1");
	after = picture();
	assert_string_equal(before, after);
	free(before);
	free(after);
	strv_done(&u.kept);
}

static void test_changed_since(void **state)
{
	struct plan *p = make_plan(fill_good);
	struct undo_result u;

	(void)state;
	assert_int_equal(plan_apply(p, NULL, NULL), 0);
	plan_free(p);
	sh("echo mine >%s/etc/fstab; echo more >>%s/boot/initrd", dir, dir);
	assert_int_equal(adapt_undo(root, NULL, &u, NULL), 0);
	assert_int_equal(u.kept.n, 2);
	assert_int_equal(u.files, 4);
	check_text("/etc/fstab", "mine\n");
	check_text("/etc/gone", "gone\n");
	assert_true(root_has_file(root, "/var/lib/rehost/adapt/0001/journal.json"));
	strv_done(&u.kept);
}

/* A run that was interrupted at any edit can be taken back, and until then no
 * other run begins. */
static void test_interrupted(void **state)
{
	char *before = picture(), *after;
	struct undo_result u;
	struct journal j;
	struct plan *p = make_plan(fill_good);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(plan_apply(p, NULL, NULL), 0);
	assert_int_equal(journal_load(root, "/var/lib/rehost/adapt/0001", &j, NULL), 0);
	j.done = 0;
	for (size_t i = 0; i < j.n; i++)
		if (j.v[i].kind == EDIT_APPEND)
			*j.v[i].new_digest = 0;
	assert_int_equal(journal_save(root, &j, NULL), 0);
	journal_done(&j);
	sh("echo old >%s/etc/fstab; truncate -s 14 %s/boot/initrd", dir, dir);
	assert_int_equal(plan_apply(p, NULL, &e), ERR_REFUSED);
	plan_free(p);
	assert_int_equal(adapt_undo(root, NULL, &u, &e), 0);
	assert_int_equal(u.kept.n, 0);
	sh("touch -d '2001-02-03 04:05:06.789' %s/etc/fstab", dir);
	after = picture();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* A guest's links lead nowhere but into the guest. */
static void test_hostile_links(void **state)
{
	struct plan *p = plan_new(root);
	char path[200], real[PATH_MAX];

	(void)state;
	sh("cd %s && mkdir out && ln -s /../../../../tmp etc/up && ln -s loop etc/loop && "
	   "ln -s /proc/self/root etc/magic", dir);
	snprintf(path, sizeof path, "/etc/up/%s", strrchr(dir, '/') + 1);
	assert_int_equal(plan_write(p, path, "evil", 4, NULL, "Evil."), 0);
	assert_int_equal(plan_apply(p, NULL, NULL), 0);
	/* what leads up and out ends below the guest's own root */
	snprintf(path, sizeof path, "/tmp/%s", strrchr(dir, '/') + 1);
	check_text(path, "evil");
	assert_int_not_equal(root_resolve(root, "/etc/loop/x", real, NULL), 0);
	assert_int_equal(root_resolve(root, "/etc/magic/x/y", real, NULL), ERR_NOT_FOUND);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_apply_undo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_fill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_edit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_action, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_links, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
