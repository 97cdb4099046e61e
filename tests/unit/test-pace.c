/* test-pace.c: what is left, and when nobody knows. */
#include "tests/unit/engine.h"
#include "common/pace.h"

#define TOTAL 10000000000ull

/* Bytes done after t seconds. */
typedef double (*course)(double t);

static double steady(double t)
{
	return 100e6 * t;
}

/* As memory takes it first: 1.5 GB at once, then the disk's pace. */
static double burst(double t)
{
	return t < 1 ? 1.5e9 * t : 1.5e9 + 80e6 * (t - 1);
}

static double wavy(double t)
{
	double part = t - (double)(long)t; /* up and down each second */

	return 100e6 * t + 60e6 * (part < 0.5 ? part : 1 - part);
}

/* A pause each few seconds, as disks flush. */
static double jerky(double t)
{
	long pairs = (long)(t / 2);
	double part = t - 2.0 * (double)pairs;

	return 200e6 * ((double)pairs + (part < 1 ? part : 1));
}

/* Three seconds at once, and then none for ten. */
static double jagged(double t)
{
	long times = (long)(t / 13);
	double part = t - 13.0 * (double)times;

	return 300e6 * (3 * (double)times + (part < 3 ? part : 3));
}

/* A stretch of zeros between data. */
static double slower(double t)
{
	return t < 25 ? 200e6 * t : 5e9 + 50e6 * (t - 25);
}

/* A slow spell of the disk between two fast ones. */
static double spell(double t)
{
	return t < 4 ? 400e6 * t : t < 24 ? 1.6e9 + 100e6 * (t - 4) : 3.6e9 + 400e6 * (t - 24);
}

/* As a restore of ten GB began, of which 42 s were said to be left, and 15 were. */
static double slow_first(double t)
{
	return t < 11 ? 190e6 * t : 2.1e9 + 500e6 * (t - 11);
}

static double stuck(double t)
{
	return 100e6 * (t < 25 ? t : 25);
}

static double end_of(course c)
{
	double t = 0;

	while (c(t) < (double)TOTAL && t < 1000)
		t += 0.01;
	return t;
}

/* The estimate at time t, told as report.c does. */
static int64_t at(course c, double t)
{
	struct pace p;
	double s;

	pace_begin(&p);
	for (s = 0.05; s < t; s += 0.05)
		pace_add(&p, s, (uint64_t)c(s));
	return pace_left(&p, s, (uint64_t)c(s), TOTAL);
}

/* The estimate when so much is done, against what it took then. */
static void within(course c, double part, double error)
{
	double t = 0, left, off;
	int64_t said;

	while (c(t) < part * (double)TOTAL)
		t += 0.01;
	left = end_of(c) - t;
	said = at(c, t);
	off = (double)said - left;
	if (said < 0 || off > error * left + 1 || -off > error * left + 1)
		fail_msg("at %.0f %% it said %lld s, and it took %.1f s", part * 100, (long long)said, left);
}

static void near_the_truth(void **state)
{
	static const course courses[] = { steady, wavy, jerky };

	(void)state;
	for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
		for (double part = 0.21; part < 0.95; part += 0.1)
			within(courses[i], part, 0.15);
	for (double part = 0.5; part < 0.95; part += 0.1)
		within(burst, part, 0.15);
}

static void not_known(void **state)
{
	struct pace p;

	(void)state;
	assert_int_equal(at(steady, 0.1), -1);
	assert_int_equal(at(steady, 19.8), -1);
	assert_int_equal(at(jagged, 21), -1);
	assert_true(at(steady, 20.5) > 0);
	/* it changed, and then that is the pace */
	assert_true(at(slower, 24) > 0);
	assert_int_equal(at(slower, 29), -1);
	within(slower, 0.75, 0.15);
	for (double t = 6; t < 30; t++)
		assert_int_equal(at(spell, t), -1);
	/* nor of the one that it began with */
	for (double t = 1; t < 20; t++)
		assert_int_equal(at(slow_first, t), -1);
	assert_int_equal(at(stuck, 35), -1);
	assert_int_equal(at(stuck, 500), -1);
	pace_begin(&p);
	assert_int_equal(pace_left(&p, 100, 5, 10), -1);
}

/* What an earlier run did is no pace of this one. */
static void begins_late(void **state)
{
	struct pace p;
	double t;

	(void)state;
	pace_begin(&p);
	for (t = 1000; t < 1025; t += 0.1)
		pace_add(&p, t, TOTAL / 2 + (uint64_t)(steady(t - 1000)));
	assert_in_range(pace_left(&p, t, TOTAL / 2 + (uint64_t)steady(t - 1000), TOTAL), 24, 26);
	/* for days, in the same memory */
	pace_begin(&p);
	for (t = 0; t < 400000; t += 0.3)
		pace_add(&p, t, (uint64_t)(t * 1000));
	assert_in_range(pace_left(&p, t, (uint64_t)(t * 1000), (uint64_t)(t * 2000)), 399000, 401000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_the_truth),
		cmocka_unit_test(not_known),
		cmocka_unit_test(begins_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
