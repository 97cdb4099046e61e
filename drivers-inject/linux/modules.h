/* modules.h: the modules of one kernel of a guest, from depmod's text files:
 * modules.dep, .alias, .softdep, .builtin, .builtin.modinfo, .order.  Names
 * are canonical: '-' becomes '_' ("virtio_blk").  The files are hostile. */
#ifndef REHOST_MODULES_H
#define REHOST_MODULES_H
#include "drivers-inject/root.h"

struct modules;

/* dir: "/lib/modules/6.1.0-50-amd64" of the guest (links followed inside).
 * ERR_NOT_FOUND: no modules.dep there. */
int modules_open(struct root *r, const char *dir, struct modules **ret,
		 struct err *e) must_check;
struct modules *modules_close(struct modules *m);
const char *modules_version(const struct modules *m); /* last part of dir */
const char *modules_dir(const struct modules *m);

/* Modules whose alias pattern matches modalias (fnmatch, as the kernel's
 * tools), each once, in file order; built-in ones too.  *ret: strv_done. */
int modules_match(const struct modules *m, const char *modalias,
		  struct strv *ret, struct err *e) must_check;
/* The same for a device of which some drivers are known by name
 * (hw_link.drivers): where no alias matches, those of them that are there and
 * say nothing of this kind of bus in this kernel's files: built-in ones before
 * Linux 5.2, and what old kernels loaded by name (sd_mod).  So a driver from
 * which a distribution removed the device's id does not count. */
int modules_serve(const struct modules *m, const char *modalias,
		  const struct strv *drivers, struct strv *ret, struct err *e) must_check;
int modules_builtin(const struct modules *m, const char *name);
/* Relative to dir, "kernel/drivers/nvme/host/nvme.ko.xz"; NULL: no such file. */
const char *modules_path(const struct modules *m, const char *name);
/* Adds name and all that it needs (modules.dep, softdeps pre and post,
 * transitively), dependencies first, without built-in ones, without what is in
 * *ret already.  ERR_NOT_FOUND: name (hard dependencies likewise) is neither a
 * file nor built in; a softdep that is missing is left out. */
int modules_closure(const struct modules *m, const char *name,
		    struct strv *ret, struct err *e) must_check;
/* Firmware files that the module's .modinfo names (may be compressed .ko). */
int modules_firmware(const struct modules *m, const char *name,
		     struct strv *ret, struct err *e) must_check;
/* Every name with a file, sorted. */
int modules_all(const struct modules *m, struct strv *ret, struct err *e) must_check;

/* "kernel/a/b-c.ko.zst" -> "b_c"; ret: size bytes */
void modules_name(const char *path, char *ret, size_t size);

/* One module of an initramfs's tree for modindex_make. */
struct mod_file {
	const char *path;       /* below its module directory, "kernel/fs/x.ko" */
	int fd;                 /* the module's bytes, compressed or not     */
};
/* Runs depmod(8) of this machine over the given files and the kernel's own
 * modules.order, modules.builtin, modules.builtin.modinfo; the results
 * (modules.dep, modules.dep.bin, .alias, .alias.bin, ...) are files in out_dir,
 * a directory of this machine.  Nothing of the guest is executed or changed. */
int modindex_make(const struct modules *m, const struct mod_file *files,
		  size_t n, const char *out_dir, struct err *e) must_check;
#endif
