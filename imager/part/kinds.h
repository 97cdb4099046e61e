/* kinds.h: what a partition's type says it is for, across MBR and GPT. */
#ifndef REHOST_PART_KINDS_H
#define REHOST_PART_KINDS_H

/* 1: two types, as struct partition has them, are equal or for the same thing. */
int part_same_kind(const char *a, const char *b);

#endif
