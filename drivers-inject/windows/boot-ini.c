/* boot-ini.c: the menu of 2000 to 2003, \boot.ini: lines such as
 *
 *   default=multi(0)disk(0)rdisk(0)partition(2)\WINDOWS
 *
 * where a partition counts from 1: the primary ones in the table's order, then the
 * logical ones; the extended one isn't counted.  rdisk is the BIOS's number of the disk,
 * which the firmware gives: 0 is the one it starts from.  Source: Microsoft, KB102873. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/chain-int.h"

#define INI_MAX 65536u
#define PARTITION "partition("

/* The ARC number of a volume's partition; 0: unknown. */
static unsigned int arc_number(struct chain *ch, int volume)
{
	const struct chain_disk *d = chain_disk(ch, ch->c->volumes->v[volume].disk);
	const struct partition *mine = chain_part(ch, volume);
	unsigned int n = 1;

	if (!mine)
		return 0;
	for (size_t i = 0; i < d->table->n_parts; i++) {
		const struct partition *p = &d->table->parts[i];

		if (!(p->flags & PART_EXTENDED) && p->number < mine->number)
			n++;
	}
	return n;
}

/* "N)\WINDOWS" behind "partition(": its number, if the directory is this Windows'; the
 * length of N. */
static unsigned long number_here(const char *p, const char *dir, size_t *ret_len)
{
	char *end;
	unsigned long n = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0;
	size_t len = strlen(dir);

	if (!n || n > 999 || *end != ')' || strncasecmp(end + 1, dir, len))
		return 0;
	/* \WINDOWS, not \WINDOWS2 */
	if (end[1 + len] && !strchr("\"=\r\n \t", end[1 + len]))
		return 0;
	*ret_len = (size_t)(end - p);
	return n;
}

/* Every number that belongs to this Windows' directory becomes `number`.  Another one
 * for the same directory is another Windows': *ret_other. */
static char *renumber(const char *text, const char *dir, unsigned int number, size_t *ret_changes,
		      int *ret_other)
{
	char *out = malloc(4 * strlen(text) + 1), *to = out;
	unsigned long seen = 0;

	*ret_changes = 0;
	*ret_other = 0;
	for (const char *p = text; out && *p;) {
		size_t len;
		unsigned long n;

		if (strncasecmp(p, PARTITION, strlen(PARTITION))) {
			*to++ = *p++;
			continue;
		}
		memcpy(to, p, strlen(PARTITION));
		to += strlen(PARTITION);
		p += strlen(PARTITION);
		n = number_here(p, dir, &len);
		if (!n)
			continue;
		*ret_other |= seen && seen != n;
		seen = n;
		*ret_changes += n != number;
		to += sprintf(to, "%u", number);
		p += len;
	}
	if (out)
		*to = 0;
	return out;
}

int chain_boot_ini(struct chain *ch, int volume, struct err *e)
{
	unsigned int number = arc_number(ch, ch->c->volume);
	cleanup_free char *text = NULL, *now = NULL;
	char dir[256], name[320], reason[600];
	struct err why = { 0 };
	size_t len, changes;
	int other, r = chain_read(ch, volume, "/boot.ini", INI_MAX, &text, &len, &why);

	if (r) {
		plan_problem(ch->p, "boot.ini of %s can't be read: %s", chain_name(ch, volume, name),
			     why.msg);
		return 0;
	}
	if (!number || strlen(text) != len)
		return 0;
	chain_windows_dir(ch, dir);
	now = renumber(text, dir, number, &changes, &other);
	if (!now)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (other) {
		plan_warn(ch->p, "boot.ini names several partitions with %s: it was left alone; this "
			  "Windows is on partition(%u)", dir, number);
		return 0;
	}
	if (!changes)
		return 0;
	snprintf(reason, sizeof reason, "boot.ini of %s names another partition than the one that "
		 "Windows is on, partition(%u)", chain_name(ch, volume, name), number);
	return chain_put(ch, volume, "/boot.ini", now, strlen(now), e, reason);
}
