/* test-place.c: URLs of places, and the command lines they become. */
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
#include "imager/store/place-ops.h"

static struct place parsed(const char *url)
{
	struct place p;
	struct err e = { 0 };

	if (place_parse(url, &p, &e) < 0)
		fail_msg("%s: %s", url, e.msg);
	return p;
}

static void good_urls(void **state)
{
	struct place p;

	(void)state;
	p = parsed("smb://nas/images/pc1/sda.rhi");
	assert_ptr_equal(p.ops, &place_smb);
	assert_string_equal(p.host, "nas");
	assert_string_equal(p.path, "/images/pc1/sda.rhi");
	assert_int_equal(p.port, 0);
	assert_int_equal(p.is_dir, 0);
	p = parsed("smb://OFFICE;anna@10.0.2.2:4450/images//a%20b/");
	assert_string_equal(p.user, "anna");
	assert_string_equal(p.domain, "OFFICE");
	assert_int_equal(p.port, 4450);
	assert_string_equal(p.path, "/images/a b");
	assert_int_equal(p.is_dir, 1);
	p = parsed("nfs://[fe80::1%25eth0]:20490/srv/a.rhi?vers=3&mountport=20480&nolock");
	assert_string_equal(p.host, "fe80::1%eth0");
	assert_int_equal(p.port, 20490);
	assert_int_equal(p.n_options, 3);
	assert_string_equal(place_option(&p, "mountport"), "20480");
	assert_string_equal(place_option(&p, "nolock"), "");
	p = parsed("smb://nas/share/a,b/c.rhi"); /* only behind the share */
	p = parsed("dev:///dev/sdb1/dir/a.rhi");
	assert_string_equal(p.host, "/dev/sdb1");
	assert_string_equal(p.path, "/dir/a.rhi");
	p = parsed("dev:///dev/disk/by-label/BACKUP/a.rhi");
	assert_string_equal(p.host, "/dev/disk/by-label/BACKUP");
	p = parsed("dev:///dev/mapper/vg-data");
	assert_string_equal(p.host, "/dev/mapper/vg-data");
	assert_string_equal(p.path, "/");
	assert_int_equal(p.is_dir, 1);
}

static void bad_urls(void **state)
{
	static const char *const bad[] = {
		"smb://", "smb:///share/x", "smb://nas", "smb://nas/", "smb://nas:/s/x",
		"smb://nas:0/s/x", "smb://nas:65536/s/x", "smb://nas:4x/s/x",
		"smb://user:secret@nas/s/x", "smb://na,s/s/x", "smb://-nas/s/x",
		"smb://nas/s,uid=7/x", "smb://nas/s/../x", "smb://nas/s/./x", "smb://nas/s/a%", "smb://nas/s/a%0ab",
		"smb://nas/s/a%zz", "smb://[fe80::1/s/x", "smb://[fe80::1]x/s/x",
		"smb://nas/s/x?password=y", "smb://nas/s/x?vers=3,credentials=/etc/shadow",
		"smb://nas/s/x?vers=", "smb://nas/s/x?", "nfs://nas/x?vers=3;y", "nfs://nas/x?suid",
		"dev://dev/sdb1/x", "dev:///etc/passwd", "dev:///dev/sdb1/x?ro", "ftp://nas/x",
	};
	struct place p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (place_parse(bad[i], &p, &e) != ERR_USAGE)
			fail_msg("%s was taken, or for another reason refused", bad[i]);
		if (strstr(bad[i], "user:secret"))
			assert_null(strstr(e.msg, "Permission"));
	}
	assert_int_equal(place_parse("https://nas/a.rhi", &p, &e), ERR_UNSUPPORTED);
	assert_int_equal(place_is_url("C:/x"), 0);
	assert_int_equal(place_is_url("a/b://c"), 0);
	assert_int_equal(place_is_url("ftp://x"), 1);
}

static const char *command(const char *url, const char *part, const struct place_creds *c,
			   int write, struct place_cmd *cmd)
{
	struct place p = parsed(url);
	struct err e;

	memset(cmd, 0, sizeof *cmd);
	assert_int_equal(p.ops->command(&p, c, *c->username ? "/run/x.cred" : NULL, part,
					"/run/base", write, cmd, &e), 0);
	return cmd->options;
}

static void command_lines(void **state)
{
	struct place_creds nobody = { 0 }, anna = { .username = "anna", .password = "top,secret" };
	struct place_cmd cmd;
	const char *o;

	(void)state;
	o = command("smb://nas:4450/images/a.rhi?vers=3.1.1&cache=strict", "/images", &anna, 1, &cmd);
	assert_string_equal(cmd.argv[0], "mount.cifs");
	assert_string_equal(cmd.what, "//nas/images");
	assert_string_equal(o, "rw,port=4450,credentials=/run/x.cred,hard,echo_interval=15,uid=0,gid=0,nobrl,vers=3.1.1,cache=strict");
	for (int i = 0; cmd.argv[i]; i++)
		assert_null(strstr(cmd.argv[i], "secret"));
	o = command("smb://nas/images/a.rhi?soft", "/images", &nobody, 0, &cmd);
	assert_string_equal(o, "ro,guest,echo_interval=15,uid=0,gid=0,nobrl,soft");
	o = command("nfs://[fe80::1]/srv/images/a.rhi?timeo=50", "/srv/images", &nobody, 0, &cmd);
	assert_string_equal(cmd.argv[0], "mount.nfs");
	assert_string_equal(cmd.what, "[fe80::1]:/srv/images");
	assert_string_equal(o, "ro,hard,retrans=2,retry=0,nolock,noatime,timeo=50");
	command("dev:///dev/sdb1/a.rhi", "", &nobody, 1, &cmd);
	assert_string_equal(cmd.argv[0], "mount");
	assert_string_equal(cmd.argv[6], "/dev/sdb1");
}

static void splits(void **state)
{
	(void)state;
	assert_int_equal(place_smb.split(NULL, "/images/a/b", 0), 7);
	assert_int_equal(place_smb.split(NULL, "/images", 0), 7);
	assert_int_equal(place_smb.split(NULL, "/images/a/b", 1), -1);
	assert_int_equal(place_nfs.split(NULL, "/srv/a/b", 0), 8);
	assert_int_equal(place_nfs.split(NULL, "/srv/a/b", 1), 6);
	assert_int_equal(place_nfs.split(NULL, "/srv/a/b", 2), 4);
	assert_int_equal(place_nfs.split(NULL, "/srv/a/b", 3), 1);
	assert_int_equal(place_nfs.split(NULL, "/srv/a/b", 4), -1);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void credentials_files(void **state)
{
	struct place_creds c;
	struct err e;

	(void)state;
	write_file("cred", "# comment\nusername=anna\npassword= a=b,c \ndomain=X\n\n", 0600);
	assert_int_equal(place_creds_file("cred", &c, &e), 0);
	assert_string_equal(c.username, "anna");
	assert_string_equal(c.password, " a=b,c ");
	assert_string_equal(c.domain, "X");
	write_file("cred", "username=anna\n", 0640);
	assert_int_equal(place_creds_file("cred", &c, &e), ERR_REFUSED);
	write_file("cred", "my-secret-password\n", 0600);
	assert_int_equal(place_creds_file("cred", &c, &e), ERR_USAGE);
	assert_null(strstr(e.msg, "my-secret"));
	unlink("cred");
	assert_int_equal(place_creds_file("cred", &c, &e), ERR_IO);
}

static void credentials_from_the_environment(void **state)
{
	struct place p = parsed("smb://DOM;otto@nas/images/a.rhi");
	struct place_creds c;
	struct err e;

	(void)state;
	setenv("REHOST_PASSWORD", "pw", 1);
	assert_int_equal(place_creds_get(&p, NULL, 0, &c, &e), 0);
	assert_string_equal(c.username, "otto");
	assert_string_equal(c.password, "pw");
	assert_string_equal(c.domain, "DOM");
	setenv("REHOST_USERNAME", "a\nb", 1);
	assert_int_equal(place_creds_get(&p, NULL, 0, &c, &e), ERR_USAGE);
	unsetenv("REHOST_USERNAME");
	unsetenv("REHOST_PASSWORD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls), cmocka_unit_test(bad_urls),
		cmocka_unit_test(command_lines), cmocka_unit_test(splits),
		cmocka_unit_test(credentials_files), cmocka_unit_test(credentials_from_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
