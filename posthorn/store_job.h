/*
 * posthorn/store_job.h - work on one user's mail directory, done by a confined child.
 *
 * The caller is root or the instance's owner. The mail directory is opened without following links;
 * then a child becomes the mail user, gives up everything but that directory (and one more, for an
 * export), and works with lib/store, which is safe beside sessions and deliveries: it does not
 * matter whether the suite runs. Its answer comes as rows through a pipe, and is decoded as if the
 * child were hostile.
 */
#ifndef POSTHORN_POSTHORN_STORE_JOB_H
#define POSTHORN_POSTHORN_STORE_JOB_H

#include "lib/conf/conf.h"
#include "posthorn/command.h"
#include "posthorn/output.h"
#include "posthorn/store_users.h"

struct store_job_output; /* the child's end of the pipe */

struct store_job {
    /* Runs in the child. 0, or -1 with errno: that becomes the message, unless `job_fail` said
     * more. */
    int (*work)(void *arg, int mail_fd, int other_fd, struct store_job_output *out);
    /* Runs here for each row that the child sends. */
    void (*row)(void *arg, const struct object_field *fields, uint32_t count);
    void *arg;
    int other_fd; /* -1: none */
    bool other_writable;
    bool other_any_owner; /* root may have it read, whoever owns what is there */
    bool whole_store; /* mail_fd is store/, other_fd stores/: links and modes may be made there */
    bool missing_is_fine; /* who has no mail directory yet has no mail: nothing is done */
};
/* CLI_OK, or CLI_FAILED after the message. */
int store_job_run(struct cli *cli, const struct conf *conf, const struct store_user *user,
                  const struct store_job *job);

/* The same with store/ and stores/ in place of the user's directory. */
int store_job_run_whole(struct cli *cli, const struct conf *conf, const struct store_user *user,
                        struct store_job *job);

/* ---- in the child ---- */
void store_job_row(struct store_job_output *out, const struct object_field *fields, uint32_t count);
/* What is wrong, in place of errno's text; returns -1. */
__attribute__((format(printf, 2, 3))) int store_job_fail(struct store_job_output *out,
                                                         const char *format, ...);

/* The configuration. NULL after the message. */
struct conf *store_job_conf(struct cli *cli);

#endif
