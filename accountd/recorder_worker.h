/*
 * accountd/recorder_worker.h - the recorder's side: packets to entries and sums, questions to
 * answers.
 */
#ifndef POSTHORN_ACCOUNTD_RECORDER_WORKER_H
#define POSTHORN_ACCOUNTD_RECORDER_WORKER_H

struct recorder_place {
    int dirfd;  /* db/recent */
    int lockfd; /* of a file there: the recorder of an accountd before us may still be writing */
};

/* Serves packets from `fd` until it ends, then _exit()s. `arg` is a struct recorder_place. For
 * lib/sys/keeper. */
void recorder_work(void *arg, int fd);

#endif
