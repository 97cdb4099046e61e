/* modules-private.h: what modules*.c know of each other. */
#ifndef REHOST_MODULES_PRIVATE_H
#define REHOST_MODULES_PRIVATE_H
#include "drivers-inject/linux/modules.h"
#include "drivers-inject/linux/unpack.h"

/* Bytes of one of depmod's files; the largest seen (a distribution's kernel
 * with every driver) has 1.5 MB. */
#define MODULES_TEXT_MAX (16u << 20)
/* Modules of one kernel; the largest kernels have 8000. */
#define MODULES_MAX 65536
/* The kernel takes names up to 55 bytes (MODULE_NAME_LEN), with the 0 56. */
#define MODULE_NAME_SIZE 64

struct module {
	const char *path;       /* below the module directory, in texts.dep   */
	const char *deps;       /* paths with blanks between, "" none         */
	char name[MODULE_NAME_SIZE];
	signed char has_file;   /* 1, 0, -1: not looked yet                   */
};

struct mod_alias {
	const char *pattern, *name;
};

struct mod_softdep {
	const char *name, *rest; /* "pre: a b post: c"                        */
	size_t line;
};

/* depmod's files, each with a NUL behind, or NULL when missing. */
struct modules_texts {
	char *dep, *alias, *softdep, *builtin, *modinfo;
	size_t modinfo_len;
};

struct modules {
	struct root *root;      /* NULL: texts only, every file is there      */
	char *dir, *version;
	struct modules_texts texts; /* cut into pieces in place               */
	struct module *mod;     /* sorted by name, each once                  */
	size_t n_mods;
	struct mod_alias *alias; /* in file order, those of built-in ones last */
	size_t n_aliases;
	struct mod_softdep *soft; /* sorted by name                           */
	size_t n_soft;
	char **builtin;         /* sorted; strings of texts or names[]        */
	size_t n_builtin;
};

/* The same as modules_open from texts (malloc'd), which it takes over in any
 * case.  root may be NULL. */
int modules_parse(struct root *root, const char *dir, struct modules_texts *t,
		  struct modules **ret, struct err *e) must_check;
/* Reads alias lines and the records of modules.builtin.modinfo. */
int modules_parse_aliases(struct modules *m, struct err *e) must_check;
/* fnmatch(3) without flags, where '-' and '_' are the same outside of
 * brackets, as libkmod has it; linear in time times the pattern's length,
 * whatever the pattern is. */
int modules_glob(const char *pattern, const char *text);

/* The module called name (canonical), or NULL; its file may be missing. */
struct module *modules_find(const struct modules *m, const char *name);
int modules_has_file(const struct modules *m, struct module *mod);

int modules_by_string(const void *a, const void *b); /* char *, for qsort */

/* 1: a relative path of a module file that leads nowhere else and has no
 * character that means something to a shell or a configuration file. */
int modules_path_ok(const char *path);

/* Bytes of a module file: uncompressed at most, which debug symbols reach. */
#define MODULE_BYTES_MAX (256u << 20)
/* By its first bytes, whatever its name is. */
enum initrd_compression module_packing(int fd);
/* A module's bytes, unpacked; fd's offset stays as it is.  *ret is the caller's,
 * and NULL for an empty file. */
int module_read(int fd, const char *name, unsigned char **ret, size_t *ret_len,
		struct err *e) must_check;
/* Calls fn with the value of each record "key=value" of .modinfo in an ELF file
 * of any machine; fn's result <0 stops and is returned.  ERR_CORRUPT: no ELF
 * file, or without .modinfo. */
int module_info(const unsigned char *elf, size_t len, const char *name, const char *key,
		int (*fn)(void *ctx, const char *value), void *ctx,
		struct err *e) must_check;
#define FIRMWARE_MAX 4096       /* names of one module; amdgpu has 700         */
int module_firmware_bytes(const unsigned char *elf, size_t len, const char *name,
			  struct strv *ret, struct err *e) must_check;
#endif
