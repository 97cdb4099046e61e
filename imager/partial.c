/* partial.c: see partial.h. */
#include "imager/partial.h"
#include <string.h>
#include "common/json.h"

void partial_read(const struct image *im, struct part_choice *ret)
{
	cleanup_json struct json_object *meta = NULL;
	struct json_object *a;
	const char *text = image_meta(im);
	struct err ignored;

	memset(ret, image_params(im)->must & FEATURE_PARTIAL ? 0 : 0xff, sizeof *ret);
	if (!(image_params(im)->must & FEATURE_PARTIAL) ||
	    json_parse(text, strlen(text), &meta, &ignored) < 0)
		return;
	a = json_get_array(meta, "only");
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		int64_t n = json_object_get_int64(json_object_array_get_idx(a, i));

		if (n > 0 && n <= PART_NUMBER_MAX)
			ret->bits[n / 8] |= (uint8_t)(1u << n % 8);
	}
}
