/* capture-cut.c: see capture-cut.h. */
#include "imager/capture-cut.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "imager/capture-meta.h"
#include "imager/volumes.h"

/* It was begun in the way that is asked for now. */
static int check_features(const struct cut_request *q, const struct image *im, struct err *e)
{
	const struct { int now; uint64_t feature; const char *name; } all[] = {
		{ q->encrypt, FEATURE_ENCRYPTED, "--encrypt" },
		{ q->split, FEATURE_SPLIT, "--split" },
		{ q->dedup, FEATURE_DEDUP, "--dedup" },
		{ q->base != NULL, FEATURE_BASE, "--base" },
	};
	const struct image_base *bases;
	size_t n;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!all[i].now != !(image_params(im)->must & all[i].feature))
			return err_set(e, ERR_REFUSED, "%s was begun %s %s; go on with it the same way",
				       q->shown, all[i].now ? "without" : "with", all[i].name);
	bases = image_bases(im, &n);
	if (q->base && (!n || memcmp(bases->image_id, image_params(q->base)->image_id, 16)))
		return err_set(e, ERR_REFUSED, "%s was begun with another --base (%s); go on with it the same way",
			       q->shown, n ? bases->name : "none");
	return 0;
}

/* What it has, and whether it is of this capture's kind. */
static int look_at(const struct cut_request *q, struct cut *c, struct err *e)
{
	int rc = image_open_cut(c->file.in->dev, c->file.in->access, &c->image, e);

	if (rc < 0)
		return rc;
	rc = check_features(q, c->image, e);
	if (rc == 0)
		rc = capture_meta_same(image_meta(c->image), json_get_object(q->meta, "disk"),
				       q->shown, e);
	return rc < 0 ? rc : capture_meta_options(image_meta(c->image), q->meta, q->shown, e);
}

int cut_open(const struct cut_request *q, struct store_out **ret_out, struct cut *ret,
	     struct err *e)
{
	char part[PATH_MAX + 8];
	int rc = store_resume(q->path, q->overwrite, ret_out, e);

	if (rc == ERR_NOT_FOUND) {
		ret->why_new = "isn't there";
		return store_create(q->path, q->overwrite, ret_out, e);
	}
	if (rc < 0)
		return rc;
	snprintf(part, sizeof part, "%s.part", q->path);
	rc = image_file_open(part, q->passphrase, &ret->file, e);
	if (rc == 0)
		rc = look_at(q, ret, e);
	if (rc == ERR_NOT_FOUND) {
		ret->why_new = "had not come far enough to go on with";
		rc = 0;
	}
	if (rc == 0 && ret->image)
		volumes_place(ret->file.in->dev, image_file_len(ret->image),
			      &ret->volume, &ret->in_volume);
	else if (rc == 0)
		rc = store_keep(*ret_out, 0, 0, e);
	if (rc < 0)
		store_leave(*ret_out);
	return rc;
}

void cut_done(struct cut *c)
{
	c->image = image_close(c->image);
	image_file_close(&c->file);
}
