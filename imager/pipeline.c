/* pipeline.c: see pipeline.h.
 *
 * Slot k of the stream is slots[k % n_slots].  Four counters, each only rising,
 * say where everybody is: emptied <= (done) <= taken <= filled <= emptied + n_slots. */
#include "imager/pipeline.h"
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct state {
	const struct pipeline *p;
	pthread_mutex_t lock;
	pthread_cond_t can_fill, can_work, can_empty;
	uint64_t filled, taken, emptied;
	int ended;                /* fill has said that there is no more, or failed */
	int stop;                 /* somebody failed: all return                    */
	unsigned char *done;      /* by slot: 1 worked on                           */
	int *result;              /* by slot                                        */
	struct err *errs;         /* by slot                                        */
	struct err fill_err;
	int fill_result;
};

struct worker {
	struct state *s;
	unsigned int number;
	pthread_t thread;
};

static void *filler(void *arg)
{
	struct state *s = arg;
	const struct pipeline *p = s->p;
	int r = 1;

	while (r > 0) {
		pthread_mutex_lock(&s->lock);
		while (!s->stop && s->filled - s->emptied == p->n_slots)
			pthread_cond_wait(&s->can_fill, &s->lock);
		if (s->stop)
			r = 0;
		pthread_mutex_unlock(&s->lock);
		if (r > 0)
			r = p->fill(p->ctx, p->slots[s->filled % p->n_slots],
				    &s->fill_err);
		pthread_mutex_lock(&s->lock);
		if (r > 0) {
			s->filled++;
			pthread_cond_signal(&s->can_work);
		} else {
			s->fill_result = r;
			s->ended = 1;
			pthread_cond_broadcast(&s->can_work);
			pthread_cond_signal(&s->can_empty);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	struct state *s = w->s;
	const struct pipeline *p = s->p;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		unsigned int i;
		int r;

		while (!s->stop && !s->ended && s->taken == s->filled)
			pthread_cond_wait(&s->can_work, &s->lock);
		if (s->stop || s->taken == s->filled)
			break;
		i = (unsigned int)(s->taken++ % p->n_slots);
		pthread_mutex_unlock(&s->lock);
		r = p->work(p->ctx, w->number, p->slots[i], &s->errs[i]);
		pthread_mutex_lock(&s->lock);
		s->result[i] = r;
		s->done[i] = 1;
		pthread_cond_signal(&s->can_empty);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int is_cancelled(const struct pipeline *p)
{
	return p->cancelled && p->cancelled(p->ctx);
}

/* Waits until the next slot in order is done: 1; 0 if there is no more. */
static int wait_for_next(struct state *s, unsigned int i, struct err *e)
{
	while (!s->done[i] && !(s->ended && s->emptied == s->filled)) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += 100000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		if (pthread_cond_timedwait(&s->can_empty, &s->lock, &t) == ETIMEDOUT) {
			int c;

			pthread_mutex_unlock(&s->lock);
			c = is_cancelled(s->p);
			pthread_mutex_lock(&s->lock);
			if (c)
				return err_set(e, ERR_CANCELLED, "stopped on request");
		}
	}
	return s->done[i];
}

/* The calling thread's part; s->lock is held. */
static int empty_all(struct state *s, struct err *e)
{
	const struct pipeline *p = s->p;

	for (;;) {
		unsigned int i = (unsigned int)(s->emptied % p->n_slots);
		int r = wait_for_next(s, i, e);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (s->result[i] < 0) {
			if (e)
				*e = s->errs[i];
			return s->result[i];
		}
		pthread_mutex_unlock(&s->lock);
		r = is_cancelled(p) ? err_set(e, ERR_CANCELLED, "stopped on request") :
				      p->empty(p->ctx, p->slots[i], e);
		pthread_mutex_lock(&s->lock);
		if (r < 0)
			return r;
		s->done[i] = 0;
		s->emptied++;
		pthread_cond_signal(&s->can_fill);
	}
	if (s->fill_result < 0 && e)
		*e = s->fill_err;
	return s->fill_result;
}

static int serial(const struct pipeline *p, struct err *e)
{
	int r;

	for (;;) {
		if (is_cancelled(p))
			return err_set(e, ERR_CANCELLED, "stopped on request");
		r = p->fill(p->ctx, p->slots[0], e);
		if (r <= 0)
			return r;
		r = p->work(p->ctx, 0, p->slots[0], e);
		if (r == 0)
			r = p->empty(p->ctx, p->slots[0], e);
		if (r < 0)
			return r;
	}
}

static void state_init(struct state *s, const struct pipeline *p)
{
	pthread_condattr_t attr;

	*s = (struct state){ .p = p };
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->can_fill, NULL);
	pthread_cond_init(&s->can_work, NULL);
	pthread_cond_init(&s->can_empty, &attr);
	pthread_condattr_destroy(&attr);
	s->done = calloc(p->n_slots, 1);
	s->result = calloc(p->n_slots, sizeof *s->result);
	s->errs = calloc(p->n_slots, sizeof *s->errs);
}

static void state_done(struct state *s)
{
	pthread_cond_destroy(&s->can_fill);
	pthread_cond_destroy(&s->can_work);
	pthread_cond_destroy(&s->can_empty);
	pthread_mutex_destroy(&s->lock);
	free(s->done);
	free(s->result);
	free(s->errs);
}

static void stop_all(struct state *s)
{
	s->stop = 1;
	pthread_cond_broadcast(&s->can_fill);
	pthread_cond_broadcast(&s->can_work);
}

int pipeline_run(const struct pipeline *p, struct err *e)
{
	struct state s;
	struct worker *w;
	pthread_t fill_thread;
	unsigned int n = 0;
	int r = 0, have_filler = 0;

	if (!p->n_workers)
		return serial(p, e);
	state_init(&s, p);
	w = calloc(p->n_workers, sizeof *w);
	if (!w || !s.done || !s.result || !s.errs)
		r = err_set(e, ERR_NOMEM, "out of memory for %u workers", p->n_workers);
	for (; r == 0 && n < p->n_workers; n++) {
		w[n].s = &s;
		w[n].number = n;
		if (pthread_create(&w[n].thread, NULL, worker, &w[n]))
			break;
	}
	/* fewer workers than wanted are enough, if there is one */
	if (r == 0 && n)
		have_filler = !pthread_create(&fill_thread, NULL, filler, &s);
	if (r == 0 && !have_filler)
		r = err_set(e, ERR_NOMEM, "no thread could be started");
	pthread_mutex_lock(&s.lock);
	if (r == 0)
		r = empty_all(&s, e);
	stop_all(&s);
	pthread_mutex_unlock(&s.lock);
	while (n)
		pthread_join(w[--n].thread, NULL);
	if (have_filler)
		pthread_join(fill_thread, NULL);
	state_done(&s);
	free(w);
	return r;
}
