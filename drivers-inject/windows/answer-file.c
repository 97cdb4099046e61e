/* answer-file.c: see answer-file.h. */
#include "drivers-inject/windows/answer-file.h"
#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"

/* The namespace of Windows' answer files, and expat's separator behind it. */
#define ROOT_ELEMENT "urn:schemas-microsoft-com:unattend unattend"

int answer_file_read(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	cleanup_free char *text = malloc(ANSWER_FILE_MAX + 1);

	if (!f)
		return err_sys(e, errno, "the answer file %s", path);
	if (!text)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret_len = fread(text, 1, ANSWER_FILE_MAX + 1, f);
	if (ferror(f))
		return err_sys(e, errno, "the answer file %s", path);
	if (*ret_len > ANSWER_FILE_MAX)
		return err_set(e, ERR_USAGE, "%s: more than %u bytes are no answer file", path,
			       ANSWER_FILE_MAX);
	*ret = text;
	text = NULL;
	return 0;
}

/* ---- XML ---- */

struct outermost {
	int seen, good;
};

static void XMLCALL on_element(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct outermost *o = ctx;

	(void)attributes;
	if (!o->seen)
		o->good = !strcmp(name, ROOT_ELEMENT);
	o->seen = 1;
}

int answer_file_check_xml(const char *name, const char *text, size_t len, struct err *e)
{
	XML_Parser parser = XML_ParserCreateNS(NULL, ' ');
	struct outermost o = { 0 };
	int rc = 0;

	if (!parser)
		return err_set(e, ERR_NOMEM, "out of memory");
	XML_SetUserData(parser, &o);
	XML_SetStartElementHandler(parser, on_element);
	if (XML_Parse(parser, text, (int)len, 1) != XML_STATUS_OK)
		rc = err_set(e, ERR_USAGE, "%s: no XML: line %lu: %s", name,
			     (unsigned long)XML_GetCurrentLineNumber(parser),
			     XML_ErrorString(XML_GetErrorCode(parser)));
	else if (!o.good)
		rc = err_set(e, ERR_USAGE, "%s: an answer file for Windows begins with <unattend xmlns="
			     "\"urn:schemas-microsoft-com:unattend\">", name);
	XML_ParserFree(parser);
	return rc;
}

/* ---- sysprep.inf ---- */

/* 1: a line is "[name]", whatever its case.  It has no [Version], so the reader of
 * drivers' INFs would not take it. */
static int has_section(const char *text, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= len; i++) {
		while (i < len && (text[i] == ' ' || text[i] == '\t'))
			i++;
		if (len - i >= n && !strncasecmp(text + i, name, n))
			return 1;
		while (i < len && text[i] != '\n')
			i++;
	}
	return 0;
}

int answer_file_check_inf(const char *name, const char *text, size_t len, struct err *e)
{
	if (!memchr(text, 0, len) && (has_section(text, len, "[Unattended]") ||
				      has_section(text, len, "[GuiUnattended]")))
		return 0;
	return err_set(e, ERR_USAGE, "%s: a sysprep.inf is a text with a section [Unattended] or "
		       "[GuiUnattended]", name);
}
