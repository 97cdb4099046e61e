/* luks.c: LUKS1 and LUKS2, whose volume is encrypted.
 *
 * Without a key that opens it all of it is used.  With one, the plain bytes are looked
 * at to find what is used; kept is what is on the disk there, and the whole header with
 * its keyslots.  libcryptsetup reads the header, from a copy in memory (it wants a file,
 * and the window may lie deep inside of others), and makes the volume's key of one of
 * ours; the sectors are decrypted by dev/crypt.c, since no device mapper is needed then.
 * Source: LUKS2 On-Disk Format Specification 1.1; LUKS On-Disk Format 1.2.3. */
#include <json-c/json.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "imager/container/cryptset.h"
#include "imager/container/kinds.h"

#define MAGIC "LUKS\xba\xbe"
/* Of the window, for libcryptsetup; headers have 2 or 16 MiB by default. */
#define HEADER_MAX (32u << 20)

static int luks_probe(struct blkdev *d, struct cont_ident *ret, struct err *e)
{
	struct cont_ident id = { 0 };
	uint8_t buf[512];

	(void)e;
	if (d->size < sizeof buf || dev_read(d, 0, buf, sizeof buf, NULL) < 0 ||
	    memcmp(buf, MAGIC, 6) || buf[6] || (buf[7] != 1 && buf[7] != 2))
		return FS_NOT_MINE;
	snprintf(id.fs.type, sizeof id.fs.type, "crypto_LUKS");
	text_from_bytes(buf + 168, 36, id.fs.uuid, sizeof id.fs.uuid);
	if (buf[7] == 2)
		text_from_bytes(buf + 24, 48, id.fs.label, sizeof id.fs.label);
	*ret = id;
	return 0;
}

/* ---- the header, by libcryptsetup ---- */

/* Of LUKS2: one plain segment up to the end, and no feature beyond that. */
static int check_luks2(struct crypt_device *cd, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	struct json_object *segments, *s, *config, *needs;
	const char *text = NULL;
	struct err ignored;

	if (crypt_dump_json(cd, &text, 0) < 0 || json_parse(text, strlen(text), &o, &ignored) < 0)
		return err_set(e, ERR_CORRUPT, "the LUKS header can't be understood");
	segments = json_get_object(o, "segments");
	s = json_get_object(segments, "0");
	config = json_get_object(o, "config");
	needs = json_get_array(json_get_object(config, "requirements"), "mandatory");
	if (needs && json_object_array_length(needs))
		return err_set(e, ERR_UNSUPPORTED,
			       "LUKS: it is being encrypted, or needs a feature that isn't known here");
	if (!s || json_object_object_length(segments) != 1 || strcmp(json_get_str(s, "type", ""), "crypt") ||
	    strcmp(json_get_str(s, "size", ""), "dynamic") || json_get_object(s, "integrity") ||
	    json_get_array(s, "flags"))
		return err_set(e, ERR_UNSUPPORTED, "LUKS: its segments are of a kind that isn't read");
	if (strcmp(json_get_str(s, "iv_tweak", ""), "0"))
		return err_set(e, ERR_UNSUPPORTED, "LUKS: its sectors aren't counted from 0");
	return 0;
}

/* lost: bytes of what may be the header. */
static int tell_lost(uint64_t lost, int r, struct err *e)
{
	struct err was = *e;

	return r == 0 || !lost ? r : err_set(e, r, "%s; %llu bytes at its front can't be read", was.msg,
					     (unsigned long long)lost);
}

static int open_header(struct blkdev *d, const struct cont_keys *keys, struct crypt_spec *spec,
		       uint64_t *ret_data, struct err *e)
{
	cleanup_close int fd = -1;
	struct crypt_device *cd = NULL;
	uint64_t lost = 0;
	int r = cryptset_copy(d, &fd, e);

	if (!r)
		r = cryptset_add_readable(d, fd, 0, d->size < HEADER_MAX ? d->size : HEADER_MAX, &lost, e);
	if (!r)
		r = cryptset_load(fd, CRYPT_LUKS, &cd, e);
	if (r < 0)
		return tell_lost(lost, r, e);
	*ret_data = crypt_get_data_offset(cd) * 512;
	if (!strcmp(crypt_get_type(cd), CRYPT_LUKS2))
		r = check_luks2(cd, e);
	if (!r && (*ret_data > HEADER_MAX || *ret_data < 4096 || *ret_data >= d->size))
		r = err_set(e, ERR_UNSUPPORTED, "LUKS: its data begins at byte %llu",
			    (unsigned long long)*ret_data);
	if (!r)
		r = cryptset_unlock(cd, keys, spec, e);
	crypt_free(cd);
	return tell_lost(lost, r, e);
}

static int luks_open(struct blkdev *parent, const struct cont_member *all, size_t n, size_t self,
		     const struct cont_keys *keys, struct container_found *ret, struct err *e)
{
	const struct cont_member *m = &all[self];
	struct cont_volume *v;
	struct dev_piece p = { 0 };
	struct crypt_spec *spec;
	uint64_t data = 0;
	int r;

	(void)parent;
	(void)n;
	if (!keys->n)
		return err_set(e, ERR_NOT_FOUND, "it is encrypted; --unlock would leave out its free space");
	v = cont_volume_add(ret, e);
	if (!v)
		return ERR_NOMEM;
	spec = v->crypt = calloc(1, sizeof *spec);
	if (!spec)
		return err_set(e, ERR_NOMEM, "out of memory for a LUKS volume");
	r = open_header(m->d, keys, spec, &data, e);
	if (r < 0)
		return r;
	v->size = (m->d->size - data) / spec->sector * spec->sector;
	snprintf(v->what, sizeof v->what, "decrypted volume");
	snprintf(ret->holds, sizeof ret->holds, "opened by a key");
	p.off = v->crypt_start = m->start + data;
	p.len = p.chunk = p.stride = v->size;
	r = cont_piece_add(v, &p, e);
	v->n_read = v->n;
	ret->covers[self] = 1;
	if (!r)
		r = ranges_add(&ret->meta, m->start, m->start + data, e);
	return r ? r : ranges_add(&ret->meta, p.off + p.len, m->start + m->d->size, e);
}

const struct container cont_luks = { "luks", "crypto_LUKS", luks_probe, luks_open };
