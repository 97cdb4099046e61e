/* drivers.h: driver packages for Windows, found in directories and archives that
 * somebody gives, and on the guest's own disk; and which of them drive a device.
 *
 * A package is an INF and the files beside it.  Of each only its place and the hashes
 * of its devices' ids are kept; INFs are read again when a device is looked for, other
 * files when somebody asks for their content.  What can't be read becomes a note. */
#ifndef REHOST_DRIVERS_H
#define REHOST_DRIVERS_H
#include "drivers-inject/root.h"
#include "drivers-inject/windows/inf-install.h"
#include "drivers-inject/windows/inf-rank.h"

/* A collection for all hardware has 8000 INFs, Windows 11 itself 1000. */
#define DRIVERS_PACKAGES_MAX 32768
/* Of those packages; 8000 INFs have some 300,000. */
#define DRIVERS_IDS_MAX (4u << 20)
#define DRIVERS_NOTES_MAX 200
/* One device is served by at most 40 packages of such a collection. */
#define DRIVERS_MATCHES_MAX 128
/* The largest driver known (graphics) has 100 MB. */
#define DRIVERS_FILE_MAX (256u << 20)

enum drivers_place {
	DRIVERS_GIVEN,          /* drivers_add_path()                        */
	DRIVERS_STORE,          /* the guest's driver store                  */
	DRIVERS_WINDOWS_INF,    /* <windows>/inf: files are where Windows has them */
	DRIVERS_OEM,            /* a maker's directory on the guest's disk   */
};
const char *drivers_place_name(enum drivers_place p);   /* "given", "store", "windows", "oem" */

struct drivers;
struct drivers_package {
	struct drivers *set;
	struct source *source;
	struct drivers_guest *guest;    /* of a place on a guest's disk, else NULL */
	char *path;             /* of its INF in the source, "amd64/x.inf"   */
	const char *inf;        /* the last name of path                     */
	char *origin;           /* for people: "virtio-win.iso: viostor/w10/amd64/viostor.inf" */
	enum drivers_place place;
	uint32_t number;        /* from 0, in the order of adding            */
	uint64_t digest;        /* of the INF's bytes                        */
};

struct drivers {
	struct drivers_package **packages;      /* in the order of adding    */
	size_t n;
	struct strv notes;      /* what was left out, and why: sentences     */
	struct drivers_index *index;
	struct drivers_owned *owned;            /* roots and sources         */
};

int drivers_new(struct drivers **ret, struct err *e) must_check;
struct drivers *drivers_free(struct drivers *d);        /* takes NULL, returns NULL */

/* A directory with all below it, an INF, or an archive.  shown: the same for people,
 * whose last part a file shares.  Only a path that isn't there and lack of memory are
 * errors; all else becomes a note. */
int drivers_add_path(struct drivers *d, const char *path, const char *shown,
		     struct err *e) must_check;
/* What the guest's disk has: its driver store, Windows' INFs with the files where they
 * are installed or in Windows' cabinets, makers' directories.  windows: "/Windows", in
 * its spelling there.  r must live as long as d. */
int drivers_add_root(struct drivers *d, struct root *r, const char *windows, struct err *e)
	must_check;

struct drivers_match {
	const struct drivers_package *package;
	struct inf *inf;
	struct inf_version version;
	struct inf_models models;
	const struct inf_model *model;  /* of models                         */
	const char *id;                 /* of the model, that the device has */
	struct inf_install install;     /* all 0 if there is none for this Windows */
	struct inf_rank rank;
	char *reason;           /* why it can't be used; NULL: it can        */
	struct strv warnings;   /* sentences about its files                 */
	int is_signed;          /* a catalog or signatures are there (not: are valid); what
				 * is in the driver store or in Windows counts as signed */
};
/* Every package with a model for the device on that Windows: usable ones first, of
 * these signed ones first, then the better rank, then those added first.  *ret:
 * drivers_matches_free(). */
int drivers_find(struct drivers *d, const struct inf_device *device, const struct inf_target *t,
		 struct drivers_match **ret, size_t *ret_n, struct err *e) must_check;
void drivers_matches_free(struct drivers_match *m, size_t n);

/* A file of the package, unpacked: where its INF says, in the cabinet that it names,
 * compressed (x.sy_), beside the INF; of Windows' own packages where it is installed
 * and in Windows' cabinets.  *ret is malloc'd. */
int drivers_read(const struct drivers_package *p, const struct inf_file *f, uint8_t **ret,
		 size_t *ret_n, struct err *e) must_check;
/* A file beside the INF: its catalog, the INF itself. */
int drivers_read_name(const struct drivers_package *p, const char *name, uint8_t **ret,
		      size_t *ret_n, struct err *e) must_check;

#endif
