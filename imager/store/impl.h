/* impl.h: between the files of imager/store/ only. */
#ifndef REHOST_STORE_IMPL_H
#define REHOST_STORE_IMPL_H
#include "imager/store/store.h"

int file_resume(const char *path, int replace, struct store_out **ret,
		struct err *e) must_check;
int file_keep(struct store_out *s, unsigned int volume, uint64_t len,
	      struct err *e) must_check;
int file_create(const char *path, int replace, struct store_out **ret,
		struct err *e) must_check;
#endif
