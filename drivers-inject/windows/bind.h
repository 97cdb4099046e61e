/* bind.h: the driver that Windows' kernel would give a device that is new to it,
 * from the registry alone.
 *
 * Up to Windows 7: Control\CriticalDeviceDatabase, the first of the device's ids, in
 * rank order, whose key names a service.  From 8 on: DriverDatabase, DeviceIds ->
 * DriverInfFiles -> DriverPackages -> Descriptors -> Configurations; of several the
 * best rank (signature, feature score, ids), then date, then version. */
#ifndef REHOST_WIN_BIND_H
#define REHOST_WIN_BIND_H
#include "drivers-inject/windows/devices.h"
#include "drivers-inject/windows/win.h"

struct win_filter {
	char name[128];         /* a service                                 */
	int upper;
	char key[WIN_KEY_MAX];  /* where it stands: "...\Class\{guid}"        */
};
struct win_filters {
	struct win_filter *v;
	size_t n;
};

struct win_match {
	int found;              /* an entry for the device was found         */
	char service[128];      /* "": it names none                         */
	char class_guid[40];
	char id[256];           /* the device's id that matched              */
	char entry[WIN_KEY_MAX];/* the key that says so                      */
	char incomplete[400];   /* why an entry that was found can't be used; "" */
	struct win_filters filters;     /* the entry's own and the class'    */
};

int win_bind(const struct win *w, const char *set, const struct win_device *d,
	     struct win_match *ret, struct err *e) must_check;
void win_match_done(struct win_match *m);
#endif
