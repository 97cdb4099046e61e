/* grub-make.c: GRUB's images made anew by grub-mkimage of this machine, from
 * the guest's own modules where it has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/run.h"
#include "drivers-inject/linux/boot.h"

#define MODULE_MAX (8u << 20)   /* bytes of one; the largest have 300 kB     */
#define MODULES_MAX 2000        /* files of a platform; there are 300        */
#define MAKE_SECONDS 120        /* grub-mkimage packs 2 MB in 2              */
#define HOLDERS_MAX 16          /* volumes on volumes; a loop ends there     */

/* ---- where the files come from ---- */

static int source_has(struct boot *b, const struct grub_source *s, const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	return s->live ? access(path, R_OK) == 0 : root_has_file(b->l->root, path);
}

static int read_here(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free char *buf = NULL;
	struct stat st;
	int n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return err_set(e, ERR_UNSUPPORTED, "%s: not a file of at most %zu bytes", path, max);
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	n = io_read_full(fd, buf, (size_t)st.st_size, ret_len);
	if (n)
		return err_sys(e, n, "reading %s", path);
	buf[*ret_len] = 0;
	*ret = buf;
	buf = NULL;
	return 0;
}

int grub_source_read(struct boot *b, const struct grub_source *s, const char *name,
		     char **ret, size_t *ret_len, struct err *e)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	return s->live ? read_here(path, MODULE_MAX, ret, ret_len, e) :
	       root_read(b->l->root, path, MODULE_MAX, ret, ret_len, e);
}

/* The guest's own GRUB directory has the very modules of the source. */
static int same_modules(struct boot *b, const struct grub_source *s, const char *platform)
{
	cleanup_free char *mine = NULL, *theirs = NULL;
	char path[128];
	size_t n, m;

	snprintf(path, sizeof path, "%s/%s/normal.mod", b->grub, platform);
	return *b->grub && !root_read(b->l->root, path, MODULE_MAX, &theirs, &m, NULL) &&
	       !grub_source_read(b, s, "normal.mod", &mine, &n, NULL) &&
	       n == m && !memcmp(mine, theirs, n);
}

int grub_source_find(struct boot *b, const char *platform, struct grub_source *ret,
		     struct err *e)
{
	static const char *const dirs[] = {
		"/usr/lib/grub", "/usr/share/grub2", "/usr/lib/grub2", "/boot/grub",
		"/boot/grub2",
	};
	struct grub_source s = { 0 };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(s.dir, sizeof s.dir, "%s/%s", dirs[i], platform);
		if (source_has(b, &s, "kernel.img") && source_has(b, &s, "moddep.lst"))
			goto found;
	}
	s.live = 1;
	snprintf(s.dir, sizeof s.dir, "%s/grub/%s", b->live, platform);
	if (!source_has(b, &s, "kernel.img") || !source_has(b, &s, "moddep.lst"))
		return err_set(e, ERR_NOT_FOUND, "neither the guest nor this system has GRUB's "
			       "files for %s (the packages grub-pc-bin or grub-efi-amd64-bin "
			       "of Debian, grub2-pc-modules or grub2-efi-x64-modules of Fedora)",
			       platform);
found:
	s.lean = same_modules(b, &s, platform);
	*ret = s;
	return 0;
}

/* ---- how GRUB finds the /boot volume ---- */

static int add_text(char *ret, size_t size, const char *text, struct err *e)
{
	if (strlen(ret) + strlen(text) >= size)
		return err_set(e, ERR_UNSUPPORTED, "GRUB's first commands are too long");
	strcat(ret, text);
	return 0;
}

/* The volumes that hold the /boot volume, outermost last; their number. */
static size_t holders(struct boot *b, const struct volume *ret[HOLDERS_MAX])
{
	const struct volumes *v = b->l->volumes;
	const struct volume *x = b->l->boot_volume;
	size_t n = 0;

	while (x && x->parent >= 0 && (size_t)x->parent < v->n && n < HOLDERS_MAX)
		ret[n++] = x = &v->v[x->parent];
	return n;
}

/* 1: nothing in it that GRUB's shell would take for more than a word. */
static int is_word(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789-_./@+:,")];
}

int grub_find_boot(struct boot *b, char *ret, size_t size, struct err *e)
{
	const struct volume *up[HOLDERS_MAX], *x = b->l->boot_volume;
	size_t n = holders(b, up);
	char line[512], id[64], *to;
	int r = 0;

	if (b->no_grub)
		return err_set(e, ERR_UNSUPPORTED, "%s", b->no_grub);
	if (!x || !is_word(x->uuid))
		return err_set(e, ERR_NOT_FOUND, "the volume with /boot has no UUID that GRUB "
			       "could find it by");
	if (!*b->grub || !is_word(b->grub_on_boot))
		return err_set(e, ERR_NOT_FOUND, "there is no GRUB configuration in /boot/grub or "
			       "/boot/grub2");
	*ret = 0;
	while (!r && n--) {
		if (strcmp(up[n]->type, "crypto_LUKS") || !is_word(up[n]->uuid))
			continue;
		to = id;
		for (const char *s = up[n]->uuid; *s; s++)
			if (*s != '-')
				*to++ = *s;
		*to = 0;
		snprintf(line, sizeof line, "cryptomount -u %s\n", id);
		r = add_text(ret, size, line, e);
	}
	snprintf(line, sizeof line, "search.fs_uuid %s root\nset prefix=($root)'%s'\n",
		 x->uuid, b->grub_on_boot);
	return r ? r : add_text(ret, size, line, e);
}

/* ---- which modules ---- */

struct rule {
	const char *type;       /* blkid's                                   */
	const char *modules;
};
static const struct rule fs_rules[] = {
	{ "ext2", "ext2" }, { "ext3", "ext2" }, { "ext4", "ext2" }, { "xfs", "xfs" },
	{ "btrfs", "btrfs" }, { "vfat", "fat" }, { "f2fs", "f2fs" }, { "jfs", "jfs" },
	{ "reiserfs", "reiserfs" }, { "zfs_member", "zfs" }, { "nilfs2", "nilfs2" },
};
static const struct rule holder_rules[] = {
	{ "LVM2_member", "lvm" },
	{ "linux_raid_member", "mdraid1x mdraid09 raid5rec raid6rec" },
	{ "crypto_LUKS", "cryptodisk luks luks2 gcry_sha1 gcry_sha256 gcry_sha512 gcry_rijndael" },
};
/* What grub.cfg of Debian, Fedora and SUSE loads or runs; blscfg and increment
 * are Fedora's own. */
static const char everything[] =
	"normal configfile search search_fs_file search_label linux linux16 chain boot echo test "
	"true sleep ls cat minicmd halt reboot loadenv gzio xzio lzopio zstd all_video gfxterm "
	"gfxterm_background gfxmenu font png jpeg gettext terminal serial password_pbkdf2 regexp "
	"keystatus probe eval blscfg increment version fwsetup";

static const char *rule_find(const struct rule *v, size_t n, const char *type)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].type, type))
			return v[i].modules;
	return NULL;
}
#define RULE(rules, type) rule_find(rules, sizeof rules / sizeof *rules, type)

/* Adds the words that are modules of the source; need: each must be. */
static int add_modules(struct boot *b, const struct grub_source *s, const char *words,
		       int need, struct strv *to, struct err *e)
{
	cleanup_free char *copy = strdup(words);
	char *rest = copy, *word, file[64];

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	while ((word = strsep(&rest, " "))) {
		snprintf(file, sizeof file, "%s.mod", word);
		if (!source_has(b, s, file)) {
			if (need)
				return err_set(e, ERR_NOT_FOUND, "GRUB's module %s is missing in %s",
					       word, s->dir);
		} else if (!strv_has(to, word) && strv_add(to, word)) {
			return err_set(e, ERR_NOMEM, "out of memory");
		}
	}
	return 0;
}

static int choose(struct boot *b, const struct grub_source *s, const char *platform,
		  struct strv *to, struct err *e)
{
	const char *fs = RULE(fs_rules, b->l->boot_volume->type);
	const struct volume *up[HOLDERS_MAX];
	size_t n = holders(b, up);
	int r;

	if (!fs)
		return err_set(e, ERR_UNSUPPORTED, "GRUB does not read the file system of /boot (%s)",
			       *b->l->boot_volume->type ? b->l->boot_volume->type : "unknown");
	r = add_modules(b, s, "part_msdos part_gpt search_fs_uuid", 1, to, e);
	if (!r && !strcmp(platform, "i386-pc"))
		r = add_modules(b, s, "biosdisk", 1, to, e);
	if (!r)
		r = add_modules(b, s, fs, 1, to, e);
	while (!r && n--) {
		const char *m = RULE(holder_rules, up[n]->type);

		if (m)
			r = add_modules(b, s, m, strcmp(m, "lvm") == 0, to, e);
	}
	if (!r && !s->lean)
		r = add_modules(b, s, everything, 0, to, e);
	return r;
}

/* ---- making it ---- */

static int put_file(const char *dir, const char *name, const char *data, size_t len,
		    struct err *e)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX + 256];
	int n;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	n = fd < 0 ? errno : io_write_all(fd, data, len);
	return n ? err_sys(e, n, "writing %s", path) : 0;
}

static int wanted(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strchr(name, '/') && strlen(name) < 100 &&
	       (!strcmp(dot, ".mod") || !strcmp(dot, ".img") || !strcmp(dot, ".lst"));
}

/* Copies the guest's module directory to one of this machine. */
static int copy_modules(struct boot *b, const struct grub_source *s, const char *to,
			struct err *e)
{
	struct strv names = { 0 };
	int left = MODULES_MAX, r = root_list(b->l->root, s->dir, &names, e);

	for (size_t i = 0; !r && i < names.n; i++) {
		cleanup_free char *data = NULL;
		size_t len;

		/* the images made by installing are none of the source's */
		if (!wanted(names.v[i]) || !strcmp(names.v[i], "core.img"))
			continue;
		if (!left--)
			r = err_set(e, ERR_UNSUPPORTED, "%s: more than %d files", s->dir, MODULES_MAX);
		if (!r)
			r = grub_source_read(b, s, names.v[i], &data, &len, e);
		if (!r)
			r = put_file(to, names.v[i], data, len, e);
	}
	strv_done(&names);
	return r;
}

static void remove_dir(const char *dir)
{
	struct root *r;
	struct strv names = { 0 };
	char path[PATH_MAX + 256];

	if (root_open(dir, &r, NULL))
		return;
	if (!root_list(r, "/", &names, NULL))
		for (size_t i = 0; i < names.n; i++) {
			snprintf(path, sizeof path, "%s/%s", dir, names.v[i]);
			unlink(path);
		}
	strv_done(&names);
	root_close(r);
	rmdir(dir);
}

static int run_mkimage(struct boot *b, const char *modules_dir, const char *platform,
		       const char *tmp, const struct strv *modules, struct err *e)
{
	char out[PATH_MAX + 16], config[PATH_MAX + 16];
	const char *argv[128] = { "grub-mkimage", "-O", platform, "-d", modules_dir, "-p",
				  b->grub_on_boot, "-c", config, "-o", out };
	struct run_spec spec = { .argv = argv, .timeout_s = MAKE_SECONDS, .out_max = 65536 };
	struct run_result res;
	size_t n = 11;
	int r;

	snprintf(out, sizeof out, "%s/image", tmp);
	snprintf(config, sizeof config, "%s/config", tmp);
	for (size_t i = 0; i < modules->n && n < 127; i++)
		argv[n++] = modules->v[i];
	r = run_program(&spec, &res, e);
	if (r)
		return r;
	if (res.status)
		r = err_set(e, ERR_UNSUPPORTED, "grub-mkimage failed with status %d: %.600s",
			    res.status, res.err);
	run_result_done(&res);
	return r;
}

int grub_make(struct boot *b, const struct grub_source *s, const char *platform,
	      char **ret, size_t *ret_len, struct err *e)
{
	const char *base = getenv("TMPDIR");
	char tmp[PATH_MAX], config[4096], path[PATH_MAX + 16];
	struct strv modules = { 0 };
	int r;

	snprintf(tmp, sizeof tmp, "%.3000s/rehost-grub-XXXXXX", base && *base ? base : "/tmp");
	r = grub_find_boot(b, config, sizeof config, e);
	if (!r)
		r = choose(b, s, platform, &modules, e);
	if (!r && !mkdtemp(tmp))
		r = err_sys(e, errno, "making the directory %s", tmp);
	if (r) {
		strv_done(&modules);
		return r;
	}
	if (!s->live)
		r = copy_modules(b, s, tmp, e);
	if (!r)
		r = put_file(tmp, "config", config, strlen(config), e);
	if (!r)
		r = run_mkimage(b, s->live ? s->dir : tmp, platform, tmp, &modules, e);
	snprintf(path, sizeof path, "%s/image", tmp);
	if (!r)
		r = read_here(path, BOOT_FILE_MAX, ret, ret_len, e);
	remove_dir(tmp);
	strv_done(&modules);
	return r;
}
