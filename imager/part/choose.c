/* choose.c: see choose.h. */
#include "imager/part/choose.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 128u   /* bytes; a GPT's name has 36 characters */

int part_chosen(const struct part_choice *c, unsigned int number)
{
	return number <= PART_NUMBER_MAX && c->bits[number / 8] >> number % 8 & 1;
}

void part_choices_text(const struct part_table *t, char *ret, size_t size)
{
	size_t n = 0;

	*ret = 0;
	for (size_t i = 0; i < t->n_parts && n < size; i++) {
		const struct partition *p = &t->parts[i];

		if (p->flags & PART_EXTENDED)
			continue;
		n += (size_t)snprintf(ret + n, size - n, *p->name ? "%s%u (%s)" : "%s%u",
				      n ? ", " : "", p->number, p->name);
	}
	if (!n)
		snprintf(ret, size, "none");
}

static int is_number(const char *word)
{
	return word[strspn(word, "0123456789")] == 0;
}

static int matches(const struct partition *p, const char *word)
{
	char number[16];

	if (is_number(word)) {
		snprintf(number, sizeof number, "%u", p->number);
		return !strcmp(word, number);
	}
	return !strcmp(word, p->name) || !strcasecmp(word, p->uuid);
}

static int not_there(const char *word, const struct part_table *t, struct err *e)
{
	char all[600];

	part_choices_text(t, all, sizeof all);
	return err_set(e, ERR_USAGE, "there is no partition \"%s\"; there are: %s", word, all);
}

static int choose_word(const char *word, const struct part_table *t, struct part_choice *c,
		       struct err *e)
{
	const struct partition *found = NULL;

	for (size_t i = 0; *word && i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];

		if (!matches(p, word) || p->number > PART_NUMBER_MAX)
			continue;
		if (found)
			return err_set(e, ERR_USAGE, "\"%s\" is the name of partition %u and of %u; give the number",
				       word, found->number, p->number);
		found = p;
	}
	if (!found)
		return not_there(word, t, e);
	if (found->flags & PART_EXTENDED) {
		char all[600];

		part_choices_text(t, all, sizeof all);
		return err_set(e, ERR_USAGE, "partition %u only holds the logical ones; choose among: %s",
			       found->number, all);
	}
	c->bits[found->number / 8] |= (uint8_t)(1u << found->number % 8);
	return 0;
}

int part_choose(const char *list, const struct part_table *t, struct part_choice *ret,
		struct err *e)
{
	struct part_choice c = { { 0 } };
	char word[WORD_MAX];

	for (const char *at = list;; at++) {
		size_t n = strcspn(at, ",");

		snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : (int)sizeof word - 1, at);
		if (choose_word(word, t, &c, e) < 0)
			return e ? e->code : ERR_USAGE;
		at += n;
		if (!*at)
			break;
	}
	*ret = c;
	return 0;
}
