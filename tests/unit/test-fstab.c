/* test-fstab: a guest's fstab and swap, as the assembly reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers-inject/fstab.h"
#include "drivers-inject/mount/int.h"

/* "spec dir type options;" of each line */
static char *all(const char *text)
{
	char *copy = strdup(text), *out = calloc(1, 4096);
	struct fstab_line l;
	size_t pos = 0;

	while (fstab_next(copy, &pos, &l)) {
		assert_true(strlen(out) + strlen(text) + 8 < 4096);
		strcat(strcat(strcat(strcat(out, l.field[FSTAB_SPEC]), "|"), l.field[FSTAB_DIR]), "|");
		strcat(strcat(strcat(strcat(out, l.field[FSTAB_TYPE]), "|"), l.field[FSTAB_OPTIONS]), ";");
	}
	free(copy);
	return out;
}

static void expect(const char *text, const char *want)
{
	char *got = all(text);

	assert_string_equal(got, want);
	free(got);
}

static void test_lines(void **state)
{
	(void)state;
	expect("", "");
	expect("\n\n  \t\n# a comment\n   # another\n", "");
	expect("UUID=a / ext4 defaults 0 1\n", "UUID=a|/|ext4|defaults;");
	expect("UUID=a\t\t/\text4", "UUID=a|/|ext4|;");
	expect("  /dev/sda1   /boot\r\n/dev/sda2 /var ext4 ro\r\n", "/dev/sda1|/boot||;/dev/sda2|/var|ext4|ro;");
	expect("LABEL=my\\040disk /mnt/a\\011b auto x\n", "LABEL=my disk|/mnt/a\tb|auto|x;");
	/* no escape: too short, no octal digits */
	expect("a\\04 /b\\ c\\999\n", "a\\04|/b\\|c\\999|;");
	expect("lonely\nnext / ext4\n", "next|/|ext4|;");
	expect("a / ext4 x 0 1 and more words\n", "a|/|ext4|x;");
}

static void option(const char *options, const char *name, const char *want)
{
	char buf[32];
	const char *got = fstab_value(options, name, buf, sizeof buf);

	if (!want)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void test_options(void **state)
{
	(void)state;
	option("rw,subvol=@,noatime", "subvol", "@");
	option("subvolid=256,subvol=/@", "subvol", "/@");
	option("subvolid=256", "subvol", NULL);
	option("subvol", "subvol", "");
	option("subvol=", "subvol", "");
	option("", "subvol", NULL);
	option(",,bind", "bind", "");
	option("rbind", "bind", NULL);
	option("subvol=0123456789012345678901234567890123456789", "subvol",
	       "0123456789012345678901234567890");
}

static void test_sleep(void **state)
{
	unsigned char *b = calloc(1, 65536);

	(void)state;
	assert_false(swap_is_asleep(b, 65536));
	memcpy(b + 4086, "SWAPSPACE2", 10);
	assert_false(swap_is_asleep(b, 65536));
	memcpy(b + 4086, "S1SUSPEND\0", 10);
	assert_true(swap_is_asleep(b, 65536));
	assert_true(swap_is_asleep(b, 4096));
	assert_false(swap_is_asleep(b, 4095));
	memset(b, 0, 65536);
	memcpy(b + 65526, "ULSUSPEND", 9); /* pages of 64 KiB */
	assert_true(swap_is_asleep(b, 65536));
	memset(b, 0, 65536);
	memcpy(b + 16374, "LINHIB0001", 10);
	assert_true(swap_is_asleep(b, 16384));
	free(b);
}

/* Whatever bytes: lines end, nothing is read behind them. */
static void test_any_bytes(void **state)
{
	unsigned int seed = 4711;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		static const char some[] = "a/ \t\n\r#\\0149=,\xff";
		char text[64];
		char *out;
		size_t n;

		seed = seed * 1103515245u + 12345u;
		n = seed >> 16 & 63;
		for (size_t k = 0; k < n; k++) {
			seed = seed * 1103515245u + 12345u;
			text[k] = some[(seed >> 16) % (sizeof some - 1)];
		}
		text[n] = 0;
		out = all(text);
		assert_null(strchr(out, '\n'));
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_options),
		cmocka_unit_test(test_sleep), cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
