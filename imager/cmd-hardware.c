/* cmd-hardware.c: rehost hardware: this machine's inventory. */
#include "imager/cmd.h"
#include "imager/hardware.h"

static int run(const struct cmd_opts *o, struct err *e)
{
	cleanup_json struct json_object *hw = NULL;

	if (hardware_json(NULL, NULL, &hw, e) < 0)
		return e->code;
	if (o->json)
		return json_print(stdout, hw, e);
	hardware_text(stdout, hw);
	return fflush(stdout) ? err_set(e, ERR_IO, "writing to stdout failed") : 0;
}

const struct cmd cmd_hardware = {
	.name = "hardware", .args = "", .summary = "This machine's inventory",
	.options = OPT_JSON, .run = run,
	.text = "Maker, firmware, processor, memory, PCI and USB devices with their drivers,\n"
		"network cards. The same is stored in every image.\n",
};
