/* pe.c: see pe.h. */
#include "drivers-inject/windows/pe.h"
#include <stdio.h>
#include <string.h>
#include "common/checked.h"
#include "common/le.h"

#define SUBSYSTEM_NATIVE 1
#define RESOURCE_VERSION 16
#define RESOURCE_ENTRIES_MAX 4096       /* looked at in one directory; real ones have < 100 */
#define CERTIFICATE_PKCS 2              /* WIN_CERT_TYPE_PKCS_SIGNED_DATA     */
#define VERSION_MAGIC 0xfeef04bdu
#define NAME_MAX_BYTES 255

enum directory { IMPORT = 1, RESOURCE = 2, CERTIFICATE = 4 };

/* IMAGE_FILE_HEADER behind "PE\0\0" */
struct coff_disk {
	le16 machine;           /* +0x00 */
	le16 sections;          /* +0x02 */
	le32 timestamp;         /* +0x04 */
	le32 symbols, n_symbols;
	le16 optional_size;     /* +0x10 */
	le16 flags;             /* +0x12 */
};
_Static_assert(sizeof(struct coff_disk) == 20, "IMAGE_FILE_HEADER");

/* The part of IMAGE_OPTIONAL_HEADER that 32 and 64 bits have alike. */
struct optional_disk {
	le16 magic;             /* +0x00 0x10b: 32 bits, 0x20b: 64 bits       */
	uint8_t linker_major, linker_minor;
	uint8_t sizes[36];      /* +0x04 */
	le16 os_major, os_minor;        /* +0x28 */
	le16 image_major, image_minor;
	le16 subsystem_major, subsystem_minor;
	le32 reserved, image_size, headers_size;
	le32 checksum;          /* +0x40 */
	le16 subsystem;         /* +0x44 */
	le16 dll_flags;
};
_Static_assert(sizeof(struct optional_disk) == 0x48, "IMAGE_OPTIONAL_HEADER");

struct section_disk {
	uint8_t name[8];
	le32 virtual_size;      /* +0x08 */
	le32 address;           /* +0x0c */
	le32 raw_size;          /* +0x10 */
	le32 raw;               /* +0x14 where in the file */
	uint8_t rest[16];
};
_Static_assert(sizeof(struct section_disk) == 40, "IMAGE_SECTION_HEADER");

struct import_disk {
	le32 lookup, time, forwarder, name, thunk;
};
struct certificate_disk {
	le32 length;
	le16 revision, type;
};
struct resource_disk {          /* an entry of a resource directory */
	le32 id;
	le32 to;                /* bit 31: to a directory, else to data      */
};

struct image {
	const uint8_t *b;
	size_t n;
	const char *name;
	uint64_t sections;      /* where in the file */
	unsigned n_sections;
	uint64_t directories;
	uint32_t n_directories;
	uint64_t checksum_at;
};

/* The structure at a place of the file; -1: not all of it is there. */
static int get(const struct image *im, uint64_t at, void *ret, size_t size)
{
	if (range_outside(at, size, im->n))
		return -1;
	memcpy(ret, im->b + at, size);
	return 0;
}

static int directory(const struct image *im, enum directory d, uint32_t *ret_at, uint32_t *ret_size)
{
	struct { le32 at, size; } v;

	if ((uint32_t)d >= im->n_directories || get(im, im->directories + 8u * d, &v, sizeof v))
		return -1;
	*ret_at = le32_get(v.at);
	*ret_size = le32_get(v.size);
	return *ret_at && *ret_size ? 0 : -1;
}

/* Where in the file the address lies, and how many bytes follow it there. */
static int locate(const struct image *im, uint64_t address, uint64_t *ret, size_t *ret_n)
{
	struct section_disk s;

	for (unsigned i = 0; i < im->n_sections; i++) {
		uint64_t start, size, raw;

		if (get(im, im->sections + sizeof s * (uint64_t)i, &s, sizeof s))
			return -1;
		start = le32_get(s.address);
		size = le32_get(s.raw_size);
		raw = le32_get(s.raw);
		if (address < start || address - start >= size || raw >= im->n)
			continue;
		size = size < im->n - raw ? size : im->n - raw;
		if (address - start >= size)
			return -1;
		*ret = raw + (address - start);
		*ret_n = (size_t)(size - (address - start));
		return 0;
	}
	return -1;
}

/* The text at an address, printable ASCII; "" when there is none. */
static void text_at(const struct image *im, uint32_t address, char ret[NAME_MAX_BYTES + 1])
{
	uint64_t at;
	size_t room, n = 0;

	ret[0] = 0;
	if (locate(im, address, &at, &room))
		return;
	while (n < room && n < NAME_MAX_BYTES && im->b[at + n] > 0x20 && im->b[at + n] < 0x7f)
		n++;
	if (n == room || im->b[at + n])
		return;
	memcpy(ret, im->b + at, n);
	ret[n] = 0;
}

static int read_imports(const struct image *im, struct strv *ret)
{
	char name[NAME_MAX_BYTES + 1];
	uint32_t address, size;

	if (directory(im, IMPORT, &address, &size))
		return 0;
	for (unsigned i = 0; i < PE_IMPORTS_MAX; i++) {
		struct import_disk d;
		uint64_t at;
		size_t room;

		if (locate(im, (uint64_t)address + sizeof d * i, &at, &room) || room < sizeof d)
			break;
		memcpy(&d, im->b + at, sizeof d);
		if (!le32_get(d.name))
			break;
		text_at(im, le32_get(d.name), name);
		if (*name && !strv_has(ret, name) && strv_add(ret, name))
			return -1;
	}
	return 0;
}

/* The certificate table is named by its place in the file, not by an address. */
static int has_certificate(const struct image *im)
{
	struct certificate_disk c;
	uint32_t at, size;

	return !directory(im, CERTIFICATE, &at, &size) && !range_outside(at, size, im->n) &&
	       size > sizeof c && !get(im, at, &c, sizeof c) && le32_get(c.length) > sizeof c &&
	       le32_get(c.length) <= size && le16_get(c.type) == CERTIFICATE_PKCS;
}

/* In the directory of resources at `at`: the entry with that id, or the first; what it
 * leads to.  base: of all resources. */
static int resource(const struct image *im, uint64_t base, uint32_t at, int64_t id, uint32_t *ret)
{
	struct { le32 flags, time; le16 major, minor, named, numbered; } head;
	unsigned n;

	if (get(im, base + at, &head, sizeof head))
		return -1;
	n = le16_get(head.named) + (unsigned)le16_get(head.numbered);
	for (unsigned i = 0; i < n && i < RESOURCE_ENTRIES_MAX; i++) {
		struct resource_disk r;

		if (get(im, base + at + sizeof head + sizeof r * i, &r, sizeof r))
			return -1;
		if (id >= 0 && le32_get(r.id) != id)
			continue;
		*ret = le32_get(r.to);
		return 0;
	}
	return -1;
}

/* Type, name, language, then { address, size, code page, 0 }. */
static void read_version(const struct image *im, struct pe *p)
{
	/* VS_VERSIONINFO: three words and L"VS_VERSION_INFO", to a multiple of 4 */
	enum { FIXED = 40 };
	struct { le32 magic, struct_version, high, low; } fixed;
	struct { le32 address, size, code_page, reserved; } data;
	uint32_t address, size, to = 1u << 31;
	uint64_t base;
	size_t room;

	if (directory(im, RESOURCE, &address, &size) || locate(im, address, &base, &room))
		return;
	for (int level = 0; level < 3; level++)
		if (!(to >> 31) || resource(im, base, to & ~(1u << 31), level ? -1 : RESOURCE_VERSION,
					    &to))
			return;
	if (to >> 31 || get(im, base + to, &data, sizeof data) ||
	    locate(im, le32_get(data.address), &base, &room) || room < FIXED + sizeof fixed)
		return;
	if (le32_get(data.size) < room)
		room = le32_get(data.size);
	if (room < FIXED + sizeof fixed)
		return;
	memcpy(&fixed, im->b + base + FIXED, sizeof fixed);
	if (le32_get(fixed.magic) != VERSION_MAGIC)
		return;
	p->has_version = 1;
	p->info_at = (size_t)base;
	p->info_n = room;
	p->version[0] = (uint16_t)(le32_get(fixed.high) >> 16);
	p->version[1] = (uint16_t)le32_get(fixed.high);
	p->version[2] = (uint16_t)(le32_get(fixed.low) >> 16);
	p->version[3] = (uint16_t)le32_get(fixed.low);
}

/* A byte of the file for its checksum, the field itself being taken as 0. */
static uint32_t byte_at(const struct image *im, size_t i)
{
	return i >= im->n || (i >= im->checksum_at && i - im->checksum_at < 4) ? 0 : im->b[i];
}

/* The sum of all 16-bit words with their carries, and the length (ImageHlp's
 * CheckSumMappedFile; Windows compares it for drivers). */
static uint32_t checksum(const struct image *im)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < im->n; i += 2) {
		sum += byte_at(im, i) | byte_at(im, i + 1) << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum + (uint32_t)im->n;
}

static int read_headers(struct image *im, struct pe *p, struct err *e)
{
	struct optional_disk o;
	struct coff_disk c;
	uint8_t dos[64], magic[4];
	uint64_t at, optional;
	le32 count;
	int wide;

	if (get(im, 0, dos, sizeof dos) || memcmp(dos, "MZ", 2))
		return err_set(e, ERR_CORRUPT, "%s: not a program for Windows: it doesn't begin with MZ",
			       im->name);
	at = le32_get((le32){ { dos[0x3c], dos[0x3d], dos[0x3e], dos[0x3f] } });
	if (get(im, at, magic, sizeof magic) || memcmp(magic, "PE\0\0", sizeof magic) ||
	    get(im, at + 4, &c, sizeof c))
		return err_set(e, ERR_CORRUPT, "%s: no PE file: there is no PE header at offset %llu",
			       im->name, (unsigned long long)at);
	optional = at + 4 + sizeof c;
	if (le16_get(c.optional_size) < sizeof o || get(im, optional, &o, sizeof o))
		return err_set(e, ERR_CORRUPT, "%s: ends within its PE header", im->name);
	wide = le16_get(o.magic) == 0x20b;
	if (!wide && le16_get(o.magic) != 0x10b)
		return err_set(e, ERR_CORRUPT, "%s: a PE file of an unknown kind, %#x", im->name,
			       le16_get(o.magic));
	im->sections = optional + le16_get(c.optional_size);
	im->n_sections = le16_get(c.sections);
	if (im->n_sections > PE_SECTIONS_MAX ||
	    range_outside(im->sections, sizeof(struct section_disk) * (uint64_t)im->n_sections, im->n))
		return err_set(e, ERR_CORRUPT, "%s: its %u sections' headers aren't all there", im->name,
			       im->n_sections);
	/* behind two, or four, sizes of stack and heap and the loader's flags */
	im->directories = optional + (wide ? 0x70 : 0x60);
	if (!get(im, im->directories - 4, &count, sizeof count) &&
	    im->directories + 8 * (uint64_t)le32_get(count) <= im->sections)
		im->n_directories = le32_get(count);
	im->checksum_at = optional + 0x40;
	*p = (struct pe){
		.machine = le16_get(c.machine), .timestamp = le32_get(c.timestamp),
		.subsystem = le16_get(o.subsystem),
		.native = le16_get(o.subsystem) == SUBSYSTEM_NATIVE,
		.linker_major = o.linker_major, .linker_minor = o.linker_minor,
		.os_major = le16_get(o.os_major), .os_minor = le16_get(o.os_minor),
		.subsystem_major = le16_get(o.subsystem_major),
		.subsystem_minor = le16_get(o.subsystem_minor), .checksum = le32_get(o.checksum),
	};
	return 0;
}

int pe_read(const void *bytes, size_t n, const char *name, struct pe *ret, struct err *e)
{
	struct image im = { .b = bytes, .n = n, .name = name };
	struct pe p;
	int rc = read_headers(&im, &p, e);

	if (rc)
		return rc;
	p.checksum_real = checksum(&im);
	p.has_certificate = has_certificate(&im);
	read_version(&im, &p);
	if (read_imports(&im, &p.imports)) {
		pe_done(&p);
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	}
	*ret = p;
	return 0;
}

void pe_done(struct pe *p)
{
	strv_done(&p->imports);
}

static const uint16_t machines[INF_N_ARCHES] = {
	[INF_X86] = PE_X86, [INF_AMD64] = PE_AMD64, [INF_IA64] = PE_IA64,
	[INF_ARM] = PE_ARM, [INF_ARM64] = PE_ARM64,
};

uint16_t pe_machine_of(enum inf_arch arch)
{
	return machines[arch];
}

const char *pe_machine_name(uint16_t machine, char room[24])
{
	for (int i = 0; i < INF_N_ARCHES; i++)
		if (machines[i] == machine)
			return inf_arch_name((enum inf_arch)i);
	snprintf(room, 24, "machine %#x", machine);
	return room;
}
