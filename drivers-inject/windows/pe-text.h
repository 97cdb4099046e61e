/* pe-text.h: the texts in a PE file's version resource, as Explorer shows them. */
#ifndef REHOST_PE_TEXT_H
#define REHOST_PE_TEXT_H
#include "drivers-inject/windows/pe.h"

/* bytes: of the file that pe was read from.  name: "OriginalFilename".  1: ret is the
 * first text of that name, as UTF-8, cut to size.  0: there is none, ret is "". */
int pe_text(const void *bytes, const struct pe *pe, const char *name, char *ret, size_t size);

#endif
