/*
 * alertd/broadcast_job.h - how far a message to all users is: broadcast-ID.at in alertd's
 * directory, beside broadcast-ID.mail, the message.
 */
#ifndef POSTHORN_ALERTD_BROADCAST_JOB_H
#define POSTHORN_ALERTD_BROADCAST_JOB_H

#include "lib/base/strbuf.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/alertd.h"
#include "lib/queue/envelope.h"

#define JOB_PREFIX "broadcast-"
#define JOB_MAIL ".mail"
#define JOB_AT ".at"
#define JOB_FILE_MAX (sizeof(JOB_PREFIX) + ALERTD_BROADCAST_ID_MAX + sizeof(JOB_MAIL))
#define JOB_FILE_MODE 0600
#define JOB_DIGEST_SIZE 65 /* SHA-256 in hex */

struct job {
    char id[ALERTD_BROADCAST_ID_MAX + 1];
    struct strbuf domain, cursor, next; /* next: the cursor behind the page under way */
    char page[QUEUE_ID_SIZE];           /* its queue id; "": none is under way */
    uint64_t recipients, in_page;
    bool ended;
    char digest[JOB_DIGEST_SIZE]; /* job_digest(); "": of a time when it was not kept */
};

struct job job_new(const char *id);
void job_free(struct job *job); /* id is empty then */

/* Of what users see: who asks for the same id again has to mean the same message. */
void job_digest(char out[JOB_DIGEST_SIZE], const struct alertd_broadcast *message);

void job_file(char out[JOB_FILE_MAX], const char *id, const char *suffix);
/* Whole on disk, or as before. 0, or -1 with errno. */
int job_save(int dirfd, const struct job *job);
/* 0, or -1 with errno; the job is the caller's to free then, too. */
int job_load(int dirfd, const char *id, struct job *job);
/* Calls each() for the id of every broadcast until it returns false. */
void jobs_each(int dirfd, bool (*each)(void *arg, const char *id), void *arg);

#endif
