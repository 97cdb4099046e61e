/* kinds.h: the table's entries. */
#ifndef REHOST_CONTAINER_KINDS_H
#define REHOST_CONTAINER_KINDS_H
#include "imager/container/container.h"

extern const struct container cont_md, cont_lvm, cont_luks, cont_bitlocker;
#endif
