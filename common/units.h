/* units.h: sizes and times as people read them. */
#ifndef REHOST_UNITS_H
#define REHOST_UNITS_H
#include <stdint.h>

struct units_text { char s[32]; };

/* "512 bytes", "4.1 kB", "500 GB": decimal, as disks are sold; three digits. */
struct units_text units_bytes(uint64_t bytes);
/* "0:07", "12:34", "1:02:03" */
struct units_text units_time(uint64_t seconds);
#endif
