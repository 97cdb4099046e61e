/* cmd-disks.c: rehost disks: every disk with what is on it. */
#include <stdlib.h>
#include "common/cleanup.h"
#include "imager/cmd.h"
#include "imager/disks-json.h"

static int add(const struct disk *d, const struct cmd_opts *o,
	       struct json_object *list, struct err *e)
{
	struct disk_json_options opt = { .used = o->used, .systems = !o->no_systems,
					 .cancel = &stop_signal };
	struct json_object *entry;

	if (stop_signal)
		return err_set(e, ERR_CANCELLED, "cancelled");
	if (disk_json(NULL, d, &opt, &entry, e) < 0)
		return e->code;
	json_object_array_add(list, entry);
	return 0;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	cleanup_json struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array();
	cleanup_free struct disk *all = NULL;
	struct disk one;
	size_t n = 0;

	json_put(doc, "disks", list);
	if (!o->n_args && disks_list(NULL, &all, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (add(&all[i], o, list, e) < 0)
			return e->code;
	for (int i = 0; i < o->n_args; i++)
		if (disk_by_path(NULL, o->args[i], &one, e) < 0 || add(&one, o, list, e) < 0)
			return e->code;
	if (o->json)
		return json_print(stdout, doc, e);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		disk_text(stdout, json_object_array_get_idx(list, i), 0);
	if (!json_object_array_length(list))
		fputs("no disks were found\n", stderr);
	return fflush(stdout) ? err_set(e, ERR_IO, "writing to stdout failed") : 0;
}

const struct cmd cmd_disks = {
	.name = "disks", .args = "[DISK...]", .summary = "Every disk and what is on it",
	.options = OPT_JSON | OPT_USED | OPT_NO_SYSTEMS, .max_args = -1, .run = run,
	.text = "Shows size, model, serial number, partitions, file systems and the operating\n"
		"systems found, of all disks or of those named. Nothing is written.\n",
};
