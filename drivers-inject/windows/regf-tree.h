/* regf-tree.h: the inner layout of a registry hive: cells in the bins, of which
 * keys, lists of keys, values and security descriptors make a tree.
 *
 * libhivex reads hives with care, but writes them as if they were sound: a cell that
 * two keys share, or a descriptor's neighbour outside of the hive, ends the program or
 * writes beyond its memory.  And some of what it leaves is not as Windows wants it.
 * So a hive goes through regf_tidy() before libhivex changes it, and afterwards.
 *
 * Sources: M. Suhanov, "Windows registry file format specification"; ReactOS' cmlib
 * (which damage makes a kernel refuse a hive); lib/write.c of libhivex. */
#ifndef REHOST_REGF_TREE_H
#define REHOST_REGF_TREE_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

#define REGF_DEPTH_MAX 512u     /* keys below each other: Windows' own limit */
#define REGF_NAME_MAX 255u      /* characters of a key's name: the same      */
#define REGF_VALUE_NAME_MAX 16383u

struct regf_tree {
	uint32_t keys, values;
	int has_li;             /* lists without names, which Windows NT 3 made:
				 * libhivex removes no key from them          */
};

/* Checks every cell of the tree, and puts right in place:
 *  - a key without subkeys has no list of them, and no leaf of an index is empty
 *    (Windows looks at a leaf's last entry; the cells of such lists stay used);
 *  - up to version 1.4 a list is "lf": NT 4 and Windows 2000 know no "lh";
 *  - a value of no bytes has no cell for them (libhivex would follow it).
 * ERR_CORRUPT: damaged; says where.  ERR_UNSUPPORTED: not version 1.3 to 1.6. */
int regf_tidy(uint8_t *hive, size_t len, const char *name, struct regf_tree *ret,
	      struct err *e) must_check;

#endif
