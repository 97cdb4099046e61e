/* cmd-stop.c: SIGINT, SIGTERM and SIGHUP ask a job to stop.  A thread waits for
 * them, because a thread that hangs in a write to a vanished NFS server can't
 * run a handler, and only the end of the process frees it. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>
#include "imager/cmd.h"

volatile sig_atomic_t stop_signal;

static pthread_t main_thread;
static sem_t waiting;

static void wake(int sig)
{
	(void)sig; /* its only work: system calls return EINTR */
}

static void stop_set(sigset_t *s)
{
	sigemptyset(s);
	sigaddset(s, SIGINT);
	sigaddset(s, SIGTERM);
	sigaddset(s, SIGHUP);
}

static void *wait_for_signals(void *ctx)
{
	static const char text[] =
		"\nrehost: ended without waiting any longer; an unfinished image is left as NAME.part\n";
	struct timespec grace = { .tv_sec = STOP_GRACE_S };
	sigset_t s;
	int sig;

	(void)ctx;
	stop_set(&s);
	sem_post(&waiting);
	if (sigwait(&s, &sig))
		return NULL;
	stop_signal = sig;
	pthread_kill(main_thread, SIGUSR1);
	while (sigtimedwait(&s, NULL, &grace) < 0 && errno == EINTR)
		;
	if (write(2, text, sizeof text - 1) < 0)
		_exit(1);
	_exit(1);
}

int stop_init(struct err *e)
{
	struct sigaction sa = { .sa_handler = wake };
	pthread_t t;
	sigset_t s;
	int r;

	main_thread = pthread_self();
	sigaction(SIGUSR1, &sa, NULL); /* no SA_RESTART: a prompt must end */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like others */
	stop_set(&s);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	sem_init(&waiting, 0, 0);
	r = pthread_create(&t, NULL, wait_for_signals, NULL);
	if (r)
		return err_set(e, ERR_NOMEM, "no thread could be started: %s", strerror(r));
	pthread_detach(t);
	/* a process forked while it starts would inherit an allocator's lock */
	while (sem_wait(&waiting) < 0 && errno == EINTR)
		;
	return 0;
}
