/* scratch.h: a directory of one's own for scratch files. */
#ifndef REHOST_SCRATCH_H
#define REHOST_SCRATCH_H
#include "common/err.h"

#define SCRATCH_PATH 2048       /* bytes of its path, so that more fits behind */

/* Below dir, or where TMPDIR says (else /tmp) if dir is NULL; readable by this
 * user only.  ret: SCRATCH_PATH bytes. */
int scratch_make(const char *dir, char *ret, struct err *e) must_check;
/* With all that is in it; "" nothing. */
void scratch_remove(const char *path);
#endif
