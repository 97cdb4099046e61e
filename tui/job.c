/* job.c: the commands that do a job (job.h). */
#include "tui/job.h"
#include <stdio.h>
#include <string.h>

const char *const level_names[] = { "fast", "balanced", "small", NULL };
const char *const split_names[] = { "no", "700M", "2G", "4095M", "16G", NULL };

size_t job_disks(const struct job *j)
{
	return j->kind == JOB_CAPTURE ? j->ndisks : job_machine(j) && j->nimages ? j->nimages : 1;
}

void job_image_file(const struct job *j, char *out, size_t size)
{
	if (j->kind == JOB_CAPTURE)
		snprintf(out, size, "%s%s", j->name.s, j->ndisks < 2 ? ".rhi" : "");
	else
		snprintf(out, size, "%s", j->image);
}

/* As the disk has it: not one that was cut or in which characters were replaced. */
static bool is_exact(const char *id)
{
	size_t n = strlen(id);

	if (!n || n + 1 >= sizeof ((struct job *)0)->target_id)
		return false;
	for (; *id; id++)
		if (*id < ' ' || *id > '~' || *id == '?')
			return false;
	return true;
}

void job_set_target(struct job *j, const char *path, const char *serial, const char *wwn)
{
	snprintf(j->target, sizeof j->target, "%s", path);
	snprintf(j->target_id, sizeof j->target_id, "%s", is_exact(serial) ? serial :
		 is_exact(wwn) ? wwn : "");
}

/* The target must be that disk whatever /dev calls it by then. */
static int add_target_id(const struct job *j, struct argv *a, struct err *e)
{
	size_t n = job_machine(j) ? j->nmoves : 1;
	const char *id;
	char word[sizeof j->target_id + 20];
	int rc = 0;

	if (j->kind != JOB_RESTORE)
		return 0;
	/* for all of them or for none */
	for (size_t i = 0; i < n; i++)
		if (!(job_machine(j) ? j->move[i].target_id : j->target_id)[0])
			return 0;
	for (size_t i = 0; i < n && !rc; i++) {
		id = job_machine(j) ? j->move[i].target_id : j->target_id;
		snprintf(word, sizeof word, "--expect-serial=%s", id);
		rc = argv_add(a, word, e);
	}
	return rc;
}

static int add_one_only(const struct job *j, const char *of, bool named, struct argv *a,
			struct err *e)
{
	char word[sizeof j->only[0].of + JOB_ONLY_MAX + 2];
	const char *list = job_only(j, of);
	int rc;

	if (!list)
		return 0;
	snprintf(word, sizeof word, "%s%s%s", named ? of : "", named ? "=" : "", list);
	rc = argv_add(a, "--only", e);
	return rc ? rc : argv_add(a, word, e);
}

/* The chosen partitions, of several disks with their names. */
static int add_only(const struct job *j, struct argv *a, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; j->kind == JOB_CAPTURE && i < j->ndisks && !rc; i++)
		rc = add_one_only(j, j->disks[i], j->ndisks > 1, a, e);
	if (!job_into_parts(j) || rc)
		return rc;
	rc = add_one_only(j, j->image, false, a, e);
	if (!rc && j->into.s[0])
		rc = argv_add(a, "--into", e);
	return !rc && j->into.s[0] ? argv_add(a, j->into.s, e) : rc;
}

bool job_adapts(const struct job *j)
{
	return j->kind == JOB_ADAPT || (j->kind == JOB_RESTORE && j->adapt.on && !job_into_parts(j));
}

bool job_hostname_good(const char *s)
{
	size_t label = 0, n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		bool alnum = (s[i] >= '0' && s[i] <= '9') ||
			((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z');

		if (!alnum && (!label || (s[i] != '.' && s[i] != '-')))
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return !n || (label && n <= 253);
}

bool job_drivers_good(const char *s)
{
	static const char *const schemes[] = { "smb://", "nfs://", "dev://" };
	const char *host = strstr(s, "://");
	const char *at = host ? memchr(host + 3, '@', strcspn(host + 3, "/")) : NULL;

	if (strlen(s) >= JOB_URL_MAX || (at && memchr(host + 3, ':', (size_t)(at - host - 3))))
		return false;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (!strncmp(s, schemes[i], 6) && s[6])
			return true;
	return s[0] == '/' && !host;
}

bool job_add_drivers(struct job_adapt *d, const char *place)
{
	for (size_t i = 0; i < d->ndrivers; i++)
		if (!strcmp(d->drivers[i], place))
			return true;
	if (d->ndrivers == JOB_DRIVERS_MAX)
		return false;
	snprintf(d->drivers[d->ndrivers++], JOB_URL_MAX, "%s", place);
	return true;
}

bool job_takes_share(const struct argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strncmp(a->v[i], "smb://", 6))
			return true;
	return false;
}

/* Something of the job lies in a place of this kind. */
static bool uses(const struct job *j, enum place_kind kind, const char *scheme)
{
	if (j->kind != JOB_ADAPT && j->place.kind == kind)
		return true;
	for (size_t i = 0; job_adapts(j) && i < j->adapt.ndrivers; i++)
		if (!strncmp(j->adapt.drivers[i], scheme, strlen(scheme)))
			return true;
	return false;
}

bool job_needs_net(const struct job *j)
{
	return uses(j, PLACE_SMB, "smb://") || uses(j, PLACE_NFS, "nfs://");
}

bool job_takes_luks(const struct job *j, const struct argv *a)
{
	return job_adapts(j) && j->adapt.luks.s[0] && a->n > 1 &&
		(!strcmp(a->v[0], "rehost-adapt") || !strcmp(a->v[1], "restore"));
}

bool job_takes_passphrase(const struct job *j, const struct argv *a)
{
	static const char *const verbs[] = { "info", "restore", "verify" };

	if (!j->passphrase.s[0] || a->n < 2)
		return false;
	if (!strcmp(a->v[0], "rehost-adapt"))   /* the image that it looks into */
		return j->kind == JOB_RESTORE;
	if (!strcmp(a->v[0], "rehost") && !strcmp(a->v[1], "capture"))
		return j->encrypt;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(a->v[0], "rehost") && !strcmp(a->v[1], verbs[i]))
			return true;
	return false;
}

static int add_drivers(const char *place, struct argv *a, struct err *e)
{
	int rc = argv_add(a, "--drivers", e);

	return rc ? rc : argv_add(a, place, e);
}

/* The same words for `rehost restore` and for rehost-adapt. */
static int add_wishes(const struct job_adapt *d, struct argv *a, struct err *e)
{
	int rc = 0;

	if (d->hostname.s[0])
		rc = argv_add(a, "--hostname", e);
	if (!rc && d->hostname.s[0])
		rc = argv_add(a, d->hostname.s, e);
	if (!rc && d->new_identity)
		rc = argv_add(a, "--new-identity", e);
	if (!rc && d->remove_tools)
		rc = argv_add(a, "--remove-tools", e);
	for (size_t i = 0; !rc && i < d->ndrivers; i++)
		rc = add_drivers(d->drivers[i], a, e);
	return rc;
}

static int add_restore_adapt(const struct job *j, struct argv *a, struct err *e)
{
	int rc;

	if (j->kind != JOB_RESTORE || !job_adapts(j))
		return 0;
	rc = argv_add(a, "--adapt", e);
	if (!rc && j->adapt.anyway)
		rc = argv_add(a, "--adapt-anyway", e);
	return rc ? rc : add_wishes(&j->adapt, a, e);
}

/* How capture and restore are done. */
static int add_ways(const struct job *j, struct argv *a, struct err *e)
{
	bool capture = j->kind == JOB_CAPTURE;
	bool whole = j->kind == JOB_RESTORE && !job_into_parts(j);
	char base[JOB_URL_MAX];
	const struct {
		bool on;
		const char *word, *value;
	} ways[] = {
		{ capture, "--level", level_names[j->level] },
		{ capture && j->page_files, "--page-files", NULL },
		{ j->kind != JOB_VERIFY && j->verify, "--verify", NULL },
		{ (capture || whole) && j->resume, "--resume", NULL },
		{ whole && j->delta && !j->resume, "--delta", NULL },
		{ capture && j->encrypt, "--encrypt", NULL },
		{ capture && j->dedup, "--dedup", NULL },
		{ capture && j->split, "--split", split_names[j->split] },
		{ capture && j->ndisks == 1 && j->base[0], "--base", base },
	};
	int rc = 0;

	/* in a place a name alone is one beside the new image */
	snprintf(base, sizeof base, "%s", j->base);
	if (j->place.kind == PLACE_PATH)
		job_place_url(&j->place, j->base, base);
	for (size_t i = 0; i < sizeof ways / sizeof *ways && !rc; i++) {
		if (!ways[i].on)
			continue;
		rc = argv_add(a, ways[i].word, e);
		if (!rc && ways[i].value)
			rc = argv_add(a, ways[i].value, e);
	}
	return rc;
}

/* The words between the command and its operands. */
static int add_options(const struct job *j, bool for_people, struct argv *a,
		       struct err *e)
{
	static const char *const verb[] = { "capture", "restore", "verify" };
	int rc = argv_add(a, "rehost", e);

	if (!rc)
		rc = argv_add(a, verb[j->kind], e);
	if (!rc && !for_people)
		rc = argv_add(a, "--events-fd=3", e);
	if (!rc && !for_people && j->kind == JOB_RESTORE)
		rc = argv_add(a, "--yes", e);
	if (!rc && for_people && uses(j, PLACE_SMB, "smb://") && j->place.smb.user.s[0])
		rc = argv_add(a, "--credentials=FILE", e);
	if (!rc)
		rc = add_ways(j, a, e);
	if (!rc)
		rc = add_only(j, a, e);
	if (!rc)
		rc = add_target_id(j, a, e);
	return rc ? rc : add_restore_adapt(j, a, e);
}

/* IMAGE=DISK, or where the list's order tells DISK. */
static int add_move(const struct job_move *m, struct argv *a, struct err *e)
{
	char word[sizeof m->image + sizeof m->target + 1];

	snprintf(word, sizeof word, "%s%s%s", m->image, m->image[0] ? "=" : "", m->target);
	return argv_add(a, word, e);
}

static int add_operands(const struct job *j, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX], file[sizeof j->name.s + 100];
	int rc = 0;

	job_image_file(j, file, sizeof file);
	job_place_url(&j->place, file, url);
	for (size_t i = 0; !rc && j->kind == JOB_CAPTURE && i < j->ndisks; i++)
		rc = argv_add(a, j->disks[i], e);
	if (!rc)
		rc = argv_add(a, url, e);
	if (!rc && j->kind == JOB_RESTORE && !job_machine(j))
		rc = argv_add(a, j->target, e);
	for (size_t i = 0; !rc && j->kind == JOB_RESTORE && job_machine(j) && i < j->nmoves; i++)
		rc = add_move(&j->move[i], a, e);
	return rc;
}

static int add_adapt(const struct job *j, bool for_people, struct argv *a, struct err *e)
{
	int rc = argv_add(a, "rehost-adapt", e);

	if (!rc && !for_people)
		rc = argv_add(a, "--events-fd=3", e);
	if (!rc && !for_people)
		rc = argv_add(a, "--yes", e);
	if (!rc)
		rc = j->adapt.undo ? argv_add(a, "--undo", e) : add_wishes(&j->adapt, a, e);
	return rc ? rc : argv_add(a, j->target, e);
}

/* The caller's, if rc is 0. */
static int give(struct argv *a, int rc, struct argv *ret)
{
	if (rc)
		argv_done(a);
	else
		*ret = *a;
	return rc;
}

int job_argv(const struct job *j, bool for_people, struct argv *ret,
	     struct err *e)
{
	struct argv a = { 0 };
	int rc;

	if (j->kind == JOB_ADAPT)
		return give(&a, add_adapt(j, for_people, &a, e), ret);
	rc = add_options(j, for_people, &a, e);
	return give(&a, rc ? rc : add_operands(j, &a, e), ret);
}

static int add_image(const struct job *j, const char *image, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX];

	job_place_url(&j->place, image, url);
	return argv_add(a, url, e);
}

int job_plan_argv(const struct job *j, const char *more, struct argv *ret, struct err *e)
{
	struct argv a = { 0 };
	int rc = argv_add(&a, "rehost-adapt", e);

	if (!rc)
		rc = argv_add(&a, "--dry-run", e);
	if (!rc)
		rc = argv_add(&a, "--json", e);
	if (!rc)
		rc = add_wishes(&j->adapt, &a, e);
	if (!rc && more[0])
		rc = add_drivers(more, &a, e);
	if (!rc && j->kind == JOB_RESTORE)
		rc = argv_add(&a, "--target", e);
	if (!rc)
		rc = argv_add(&a, job_machine(j) ? j->move[0].target : j->target, e);
	if (!rc && j->kind == JOB_RESTORE && !job_machine(j))
		rc = add_image(j, j->image, &a, e);
	for (size_t i = 0; !rc && job_machine(j) && i < j->nmoves; i++)
		rc = add_image(j, j->move[i].image, &a, e);
	return give(&a, rc, ret);
}
