/* replay.c: runs a fuzz target over files and directories of files, so that
 * the corpora are part of `make check` without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long n_files;

static int one_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = NULL;
	size_t size = 0, room = 0, n;

	if (!f) {
		perror(path);
		return 1;
	}
	do {
		if (size == room) {
			room = room ? room * 2 : 65536;
			buf = realloc(buf, room);
			if (!buf)
				abort();
		}
		n = fread(buf + size, 1, room - size, f);
		size += n;
	} while (n);
	fclose(f);
	/* an exact copy, so that a read past the end is seen */
	uint8_t *exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, buf, size);
	free(buf);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	n_files++;
	return 0;
}

static int one_path(const char *path)
{
	struct stat st;
	struct dirent *de;
	int bad = 0;

	if (stat(path, &st) < 0) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return one_file(path);
	DIR *dir = opendir(path);
	while (dir && (de = readdir(dir))) {
		char *sub;

		if (de->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s/%s", path, de->d_name) < 0)
			abort();
		bad |= one_path(sub);
		free(sub);
	}
	if (dir)
		closedir(dir);
	return bad || !dir;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= one_path(argv[i]);
	printf("%lu inputs\n", n_files);
	return bad || !n_files;
}
