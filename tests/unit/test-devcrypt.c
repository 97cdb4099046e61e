/* test-devcrypt: any range of an encrypted device, against what was encrypted.  That
 * cryptsetup's volumes are read is t-map-luks.sh's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "imager/dev/crypt.h"

enum { SIZE = 200 << 10, REST = 700 };

/* XTS, a start value for each sector. */
static void encrypt(const struct crypt_spec *s, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	for (size_t at = 0; at < SIZE; at += s->sector) {
		uint64_t n = s->first + at / 512;
		uint8_t iv[16] = { 0 };
		int len;

		for (int i = 0; i < 8; i++)
			iv[i] = (uint8_t)(n >> 8 * i);
		assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_256_xts(), NULL, s->key, iv), 1);
		assert_int_equal(EVP_EncryptUpdate(c, out + at, &len, in + at, (int)s->sector), 1);
	}
	EVP_CIPHER_CTX_free(c);
}

static void any_range(void **state)
{
	static uint8_t plain[SIZE], cipher[SIZE + REST], buf[SIZE];
	struct crypt_spec s = { .mode = CRYPT_XTS, .first = 0xfffffffeull, .key_len = 64 };
	struct blkdev *below, *d;

	(void)state;
	srand(1);
	for (size_t i = 0; i < SIZE; i++)
		plain[i] = (uint8_t)rand();
	for (size_t i = 0; i < 64; i++)
		s.key[i] = (uint8_t)rand();
	for (s.sector = 512; s.sector <= 4096; s.sector *= 2) {
		encrypt(&s, plain, cipher);
		assert_int_equal(dev_mem(cipher, SIZE + (s.sector > REST ? REST : 0), 0, &below, NULL), 0);
		assert_int_equal(dev_crypt(below, &s, &d, NULL), 0);
		assert_int_equal(d->size, SIZE); /* what is no whole sector isn't the volume's */
		assert_int_equal(d->sector_size, s.sector);
		assert_int_equal(dev_read(d, 0, buf, SIZE, NULL), 0);
		assert_memory_equal(buf, plain, SIZE);
		for (int i = 0; i < 200; i++) {
			size_t at = (size_t)rand() % SIZE, len = (size_t)rand() % (SIZE - at + 1);

			assert_int_equal(dev_read(d, at, buf, len, NULL), 0);
			assert_memory_equal(buf, plain + at, len);
		}
		assert_int_not_equal(dev_write(d, 0, buf, 512, NULL), 0);
		dev_close(d);
		dev_close(below);
	}
}

static void only_known_ciphers(void **state)
{
	uint8_t bytes[4096] = { 0 };
	struct crypt_spec s = { .mode = CRYPT_XTS, .sector = 512, .key_len = 48 };
	struct blkdev *below, *d;

	(void)state;
	assert_int_equal(dev_mem(bytes, sizeof bytes, 0, &below, NULL), 0);
	assert_int_not_equal(dev_crypt(below, &s, &d, NULL), 0);
	s.key_len = 64;
	for (s.sector = 0; s.sector < 10000; s.sector += 256)
		assert_int_equal(crypt_spec_known(&s), s.sector == 512 || s.sector == 1024 ||
				 s.sector == 2048 || s.sector == 4096);
	dev_close(below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_range), cmocka_unit_test(only_known_ciphers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
