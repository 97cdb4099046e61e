/* inf-reg.c: AddReg, DelReg and BitReg: what becomes of the registry.
 *
 * Microsoft, "INF AddReg/DelReg/BitReg Directive"; where they are silent, what
 * setupapi.h's flags say and what Wine does (docs/INF.md). */
#include "drivers-inject/windows/inf-install-int.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/le.h"
#include "drivers-inject/windows/inf-text.h"

enum {                          /* FLG_ADDREG_, FLG_DELREG_ */
	BINARY = 0x1,           /* the values are bytes, not strings         */
	DELVAL = 0x4,
	APPEND = 0x8,
	KEYONLY = 0x10,
	KEYONLY_COMMON = 0x2000,
	DELREG = 0x8000,        /* a line for DelReg only                    */
	REMOVE_STRING = 0x18002,
	KEPT = INF_REG_NOCLOBBER | INF_REG_OVERWRITEONLY | INF_REG_64BIT | INF_REG_32BIT,
	VIEWS = INF_REG_64BIT | INF_REG_32BIT,
};
enum { SZ = 1, EXPAND_SZ = 2, BINARY_TYPE = 3, DWORD = 4, MULTI_SZ = 7, QWORD = 11 };

enum { ROOT, KEY, VALUE, FLAGS, DATA, MASK = DATA, BYTE };      /* fields of a line */

static int root(const struct inf_scope *s, const char *name)
{
	static const char *const names[] = { "HKLM", "HKCU", "HKCR", "HKU" };

	for (int i = 0; i < 4; i++)
		if (!strcasecmp(name, names[i]))
			return i;
	return strcasecmp(name, "HKR") ? -1 : (int)s->hkr;
}

/* What all three kinds of line begin with; -1: it isn't one. */
static int begin(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l,
		 struct inf_reg *r, uint64_t *flags)
{
	const char *name = inf_value(&j->b, s->f, l, ROOT);
	int number = root(s, name);

	if (number < 0) {
		inf_note(&j->b, INF_BROKEN, s->f, l, "root", name);
		return -1;
	}
	*r = (struct inf_reg){ .root = (enum inf_root)number, .owner = "", .line = l->line };
	if (r->root >= INF_SOFTWARE_KEY)
		r->owner = s->owner;
	r->key = inf_value(&j->b, s->f, l, KEY);
	r->value = inf_value(&j->b, s->f, l, VALUE);
	return inf_value_number(&j->b, s->f, l, FLAGS, 0, flags);
}

static void add(struct inf_job *j, const struct inf_reg *r)
{
	struct inf_reg *v = inf_append(&j->b, (void **)&j->ret->regs, &j->ret->n_regs, sizeof *v);

	if (v)
		*v = *r;
}

static void set_data(struct inf_reg *r, const uint8_t *data, size_t len)
{
	r->data = data;
	r->len = len;
}

static int string_data(struct inf_job *j, struct inf_reg *r, const char *s)
{
	uint8_t *data = inf_get(&j->b, 2 * strlen(s) + 2);

	if (data)
		set_data(r, data, inf_text_utf16le(s, data));
	return j->b.rc;
}

/* Strings up to the first empty one, and an empty one: SetupGetMultiSzField. */
static int multi_data(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		      struct inf_reg *r)
{
	size_t n = DATA, room = 2, at = 0;
	uint8_t *data;

	for (; n < l->n && !j->b.rc; n++) {
		const char *s = inf_value(&j->b, f, l, n);

		if (!*s)
			break;
		room += 2 * strlen(s) + 2;
	}
	data = inf_get(&j->b, room);
	if (!data)
		return j->b.rc;
	for (size_t i = DATA; i < n && !j->b.rc; i++)
		at += inf_text_utf16le(inf_value(&j->b, f, l, i), data + at);
	set_data(r, data, room);
	return j->b.rc;
}

/* One number: its 4 or 8 bytes. */
static int number_data(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		       struct inf_reg *r)
{
	size_t len = r->type == QWORD ? 8 : 4;
	uint8_t *data = inf_get(&j->b, 8);
	uint64_t v;
	le64 bytes;

	if (inf_value_number(&j->b, f, l, DATA, 0, &v))
		return -1;
	/* a negative one may have 31 bits */
	if (len == 4 && v > UINT32_MAX && v < (uint64_t)INT32_MIN) {
		inf_note(&j->b, INF_BROKEN, f, l, "number", inf_value(&j->b, f, l, DATA));
		return -1;
	}
	bytes = le64_make(v);
	if (data)
		set_data(r, memcpy(data, bytes.b, 8), len);
	return j->b.rc;
}

/* A byte in hexadecimal, with or without 0x; an empty field is 0. */
static int hex_byte(const char *s, uint8_t *ret)
{
	unsigned long v;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	if (strspn(s, "0123456789abcdefABCDEF") != strlen(s))
		return -1;
	v = strtoul(s, NULL, 16);
	*ret = (uint8_t)v;
	return v > 0xff ? -1 : 0;
}

/* A byte each field; commas at the end mean nothing. */
static int binary_data(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		       struct inf_reg *r)
{
	size_t n = l->n > DATA ? l->n - DATA : 0;
	uint8_t *data;

	while (n && !*inf_raw(f, l, DATA + n - 1) && inf_step(&j->b, f, l))
		n--;
	data = inf_get(&j->b, n);
	for (size_t i = 0; i < n && !j->b.rc; i++) {
		const char *s = inf_value(&j->b, f, l, DATA + i);

		if (hex_byte(s, data + i)) {
			inf_note(&j->b, INF_BROKEN, f, l, "byte", s);
			return -1;
		}
	}
	set_data(r, data, n);
	return j->b.rc;
}

static uint32_t type_of(uint32_t flags)
{
	switch (flags & (0xffff0000 | BINARY)) {
	case 0:
		return SZ;
	case 0x10000:
		return MULTI_SZ;
	case BINARY:
		return BINARY_TYPE;
	case 0x10000 | BINARY:
		return DWORD;
	case 0x20000 | BINARY:
		return 0;       /* REG_NONE */
	default:
		return flags >> 16;     /* 0x20000 is EXPAND_SZ so, 0xb0001 QWORD */
	}
}

/* 0, or <0: the line is not done. */
static int fill_data(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		     uint32_t flags, struct inf_reg *r)
{
	r->type = type_of(flags);
	if (!(flags & BINARY))
		return r->type == MULTI_SZ ? multi_data(j, f, l, r) :
		       string_data(j, r, inf_value(&j->b, f, l, DATA));
	if ((r->type == DWORD || r->type == QWORD) && l->n == DATA + 1)
		return number_data(j, f, l, r);
	return binary_data(j, f, l, r);
}

/* "HKR, key" and no more: the key alone. */
static int names_key_only(const struct inf *f, const struct inf_line *l)
{
	return l->n <= DATA && !*inf_raw(f, l, VALUE) && !*inf_raw(f, l, FLAGS);
}

static void add_line(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	uint64_t flags;
	struct inf_reg r;

	if (begin(j, s, l, &r, &flags) || flags & DELREG)
		return;
	r.flags = (uint32_t)flags & KEPT;
	if (flags & DELVAL) {
		r.op = *r.value && !(flags & KEYONLY_COMMON) ? INF_REG_DELETE_VALUE :
							       INF_REG_DELETE_KEY;
	} else if (flags & (KEYONLY | KEYONLY_COMMON) || names_key_only(s->f, l)) {
		r.op = INF_REG_KEY;
		r.value = "";
	} else {
		r.op = INF_REG_SET;
		if (fill_data(j, s->f, l, (uint32_t)flags, &r))
			return;
		if (flags & APPEND && r.type == MULTI_SZ)
			r.op = INF_REG_APPEND;
	}
	add(j, &r);
}

static void del_line(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	uint64_t flags;
	struct inf_reg r;

	if (begin(j, s, l, &r, &flags))
		return;
	r.flags = (uint32_t)flags & VIEWS;
	if (!*r.value || flags & KEYONLY_COMMON) {
		r.op = INF_REG_DELETE_KEY;
	} else if ((flags & REMOVE_STRING) == REMOVE_STRING) {
		r.op = INF_REG_REMOVE_STRING;
		r.type = MULTI_SZ;
		string_data(j, &r, inf_value(&j->b, s->f, l, DATA));
	} else {
		r.op = INF_REG_DELETE_VALUE;
	}
	add(j, &r);
}

static void bit_line(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	uint64_t flags, mask, byte;
	struct inf_reg r;
	uint8_t *data;

	if (begin(j, s, l, &r, &flags) ||
	    inf_value_number(&j->b, s->f, l, MASK, 0, &mask) ||
	    inf_value_number(&j->b, s->f, l, BYTE, 0, &byte))
		return;
	if (mask > 0xff || byte > 0xffff) {
		inf_note(&j->b, INF_BROKEN, s->f, l, "number",
			 inf_value(&j->b, s->f, l, mask > 0xff ? MASK : BYTE));
		return;
	}
	data = inf_get(&j->b, 1);
	if (!data)
		return;
	*data = (uint8_t)mask;
	set_data(&r, data, 1);
	r.op = flags & 1 ? INF_REG_SET_BITS : INF_REG_CLEAR_BITS;
	r.type = BINARY_TYPE;
	r.flags = (uint32_t)flags & VIEWS;
	r.byte = (unsigned)byte;
	add(j, &r);
}

/* fn for each line of each section that the directive names. */
static void each_line(struct inf_job *j, const struct inf_scope *s, const struct inf_line *directive,
		      inf_directive *fn)
{
	for (size_t i = 0; i < directive->n && inf_step(&j->b, s->f, directive); i++) {
		const char *name = inf_value(&j->b, s->f, directive, i);
		struct inf_scope in = *s;
		const struct inf_section *section = *name ?
			inf_named_section(j, s->f, directive, name, &in.f) : NULL;

		for (const struct inf_line *l = section ? section->first : NULL;
		     l && inf_step(&j->b, in.f, l); l = l->next)
			fn(j, &in, l);
	}
}

void inf_add_reg(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	each_line(j, s, l, add_line);
}

void inf_del_reg(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	each_line(j, s, l, del_line);
}

void inf_bit_reg(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	each_line(j, s, l, bit_line);
}
