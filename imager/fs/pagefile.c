/* pagefile.c: see pagefile.h. */
#include "imager/fs/pagefile.h"
#include <string.h>
#include <strings.h>

int page_file_name(const char *name)
{
	static const char *const names[] = {
		"pagefile.sys", "swapfile.sys", "hiberfil.sys", "win386.swp",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcasecmp(name, names[i]))
			return 1;
	return 0;
}

/* hibr, HIBR: hibernated (XP and later, 10); wake, WAKE: being resumed, RSTR
 * likewise.  A finished resume wipes it. */
int page_file_hibernated(const uint8_t *head, size_t len)
{
	static const char magic[][5] = { "hibr", "HIBR", "wake", "WAKE", "RSTR" };

	for (size_t i = 0; len >= 4 && i < sizeof magic / sizeof *magic; i++)
		if (!memcmp(head, magic[i], 4))
			return 1;
	return 0;
}

int page_file_in_use(const uint8_t *head, size_t len)
{
	return page_file_hibernated(head, len) ||
	       (len >= 8 && (!memcmp(head, "PAGEDUMP", 8) || !memcmp(head, "PAGEDU64", 8)));
}
